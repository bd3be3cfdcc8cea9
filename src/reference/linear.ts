/** y = x weight + bias + addend for x [rows, Ci] and weight [Ci, Co]. */
export function linear(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  channelsIn: number,
  channelsOut: number,
  bias?: ArrayLike<number>,
  addend?: ArrayLike<number>,
): Float64Array {
  const rows = x.length / channelsIn;
  const y = new Float64Array(rows * channelsOut);
  for (let row = 0; row < rows; row++) {
    for (let co = 0; co < channelsOut; co++) {
      let sum = (bias?.[co] ?? 0) + (addend?.[row * channelsOut + co] ?? 0);
      for (let ci = 0; ci < channelsIn; ci++) sum += x[row * channelsIn + ci]! * weight[ci * channelsOut + co]!;
      y[row * channelsOut + co] = sum;
    }
  }
  return y;
}

/** gradX = gradY weight^T. */
export function linearGradInput(
  gradY: ArrayLike<number>,
  weight: ArrayLike<number>,
  channelsIn: number,
  channelsOut: number,
): Float64Array {
  const transposed = new Float64Array(channelsIn * channelsOut);
  for (let i = 0; i < transposed.length; i++) {
    transposed[(i % channelsOut) * channelsIn + Math.floor(i / channelsOut)] = weight[i]!;
  }
  return linear(gradY, transposed, channelsOut, channelsIn);
}

/** gradWeight = x^T gradY. */
export function linearGradWeight(
  x: ArrayLike<number>,
  gradY: ArrayLike<number>,
  channelsIn: number,
  channelsOut: number,
): Float64Array {
  const gradWeight = new Float64Array(channelsIn * channelsOut);
  for (let row = 0; row < x.length / channelsIn; row++) {
    for (let ci = 0; ci < channelsIn; ci++) {
      for (let co = 0; co < channelsOut; co++) {
        gradWeight[ci * channelsOut + co]! += x[row * channelsIn + ci]! * gradY[row * channelsOut + co]!;
      }
    }
  }
  return gradWeight;
}
