/** Twin of shaders/concatChannels.wgsl: [voxels, widthA] and [voxels, widthB] side by side. */
export function concatChannels(a: ArrayLike<number>, b: ArrayLike<number>, voxels: number): Float64Array {
  const widthA = a.length / voxels;
  const widthB = b.length / voxels;
  const y = new Float64Array(a.length + b.length);
  for (let v = 0; v < voxels; v++) {
    for (let c = 0; c < widthA; c++) y[v * (widthA + widthB) + c] = a[v * widthA + c]!;
    for (let c = 0; c < widthB; c++) y[v * (widthA + widthB) + widthA + c] = b[v * widthB + c]!;
  }
  return y;
}
