import type { CaseData, Expected } from "./case.ts";

// Convolutions in float64 at a few of their outputs, each from its definition: the whole of a large case would take
// the twins of src/reference minutes.

export interface ConvGeometry {
  /** [N, D, H, W, C in], and the same of what the convolution writes. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const SAMPLES = 384;
/** Each sum of a weight's gradient runs over all voxels. */
const WEIGHT_SAMPLES = 96;

/** Indices spread evenly with an odd offset, the first and the last (corners, where padding matters) among them. */
export function sampleIndices(count: number, samples: number): number[] {
  if (count <= samples) return Array.from({ length: count }, (_, i) => i);
  const step = (count - 1) / (samples - 1);
  return Array.from({ length: samples }, (_, i) => {
    // Without a jitter all samples would lie in few channels, as sizes are powers of two.
    const jitter = i > 0 && i < samples - 1 ? (i * 2654435761) % Math.max(1, Math.floor(step)) : 0;
    return Math.min(count - 1, Math.floor(i * step) + jitter);
  });
}

/** The output [N, Do, Ho, Wo, Co] of x and weight [k, k, k, Ci, Co]. */
export function sampledConv(g: ConvGeometry, data: CaseData): Expected[] {
  return gathered("y", g.y, { values: data.get("x")!, shape: g.x }, g, data, {
    from: (p, tap) => p * g.stride - g.padding + tap,
    weightAt: (tap, i, o) => (tap * g.x[4]! + i) * g.y[4]! + o,
  });
}

/** Gradient with respect to x. */
export function sampledGradInput(g: ConvGeometry, data: CaseData): Expected[] {
  return gathered("gradX", g.x, { values: data.get("gradY")!, shape: g.y }, g, data, {
    from: (p, tap) => (p + g.padding - tap) / g.stride,
    weightAt: (tap, o, i) => (tap * g.x[4]! + i) * g.y[4]! + o,
  });
}

/** The transposed convolution: g.x its input, g.y its output, weight [k, k, k, C in, C out]. */
export function sampledConvTranspose(g: ConvGeometry, data: CaseData): Expected[] {
  return gathered("y", g.y, { values: data.get("x")!, shape: g.x }, g, data, {
    from: (p, tap) => (p + g.padding - tap) / g.stride,
    weightAt: (tap, i, o) => (tap * g.x[4]! + i) * g.y[4]! + o,
  });
}

/** How outputs are gathered along one axis, and which weight is between two channels. */
interface Gathering {
  /** The position that output `p` reads through a tap; none where that is not whole or outside. */
  from(this: void, p: number, tap: number): number;
  /** Index of the weight of a flat tap between a channel that is read and one that is written. */
  weightAt(this: void, tap: number, read: number, written: number): number;
}

function gathered(
  output: string,
  shape: readonly number[],
  read: { readonly values: ArrayLike<number>; readonly shape: readonly number[] },
  { kernel }: ConvGeometry,
  data: CaseData,
  { from, weightAt }: Gathering,
): Expected[] {
  const weight = data.get("weight")!;
  const channels = read.shape[4]!;
  return sampled(output, shape, SAMPLES, ([n, z, y, x, c]) => {
    let sum = 0;
    forTaps(kernel, ([tapZ, tapY, tapX], tap) => {
      const at = place(read.shape, n, [from(z, tapZ), from(y, tapY), from(x, tapX)]);
      if (at === undefined) return;
      for (let i = 0; i < channels; i++) sum += read.values[at * channels + i]! * weight[weightAt(tap, i, c)]!;
    });
    return sum;
  });
}

/** Gradient with respect to the weights [k, k, k, Ci, Co]. */
export function sampledGradWeight(g: ConvGeometry, data: CaseData): Expected[] {
  const [x, gradY] = [data.get("x")!, data.get("gradY")!];
  const { kernel } = g;
  const [ci, co] = [g.x[4]!, g.y[4]!];
  return sampled("gradWeight", [kernel, kernel, kernel, ci, co], WEIGHT_SAMPLES, ([kz, ky, kx, i, o]) => {
    let sum = 0;
    forVoxels(g.y, (n, z, y, w, to) => {
      const from = place(g.x, n, [
        z * g.stride - g.padding + kz,
        y * g.stride - g.padding + ky,
        w * g.stride - g.padding + kx,
      ]);
      if (from !== undefined) sum += x[from * ci + i]! * gradY[to * co + o]!;
    });
    return sum;
  });
}

type Index5 = [number, number, number, number, number];

/** Values of `valueAt` at samples of a tensor with five axes. */
function sampled(
  output: string,
  shape: readonly number[],
  samples: number,
  valueAt: (at: Index5) => number,
): Expected[] {
  const indices = sampleIndices(
    shape.reduce((a, b) => a * b, 1),
    samples,
  );
  const values = indices.map((index) => {
    const at = new Array<number>(5);
    for (let axis = 4, rest = index; axis >= 0; axis--) {
      at[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return valueAt(at as Index5);
  });
  return [{ output, indices, values }];
}

/** The flat voxel at a position that is whole and inside, else undefined. */
function place(shape: readonly number[], n: number, position: readonly number[]): number | undefined {
  let at = n;
  for (let axis = 0; axis < 3; axis++) {
    const p = position[axis]!;
    if (!Number.isInteger(p) || p < 0 || p >= shape[axis + 1]!) return undefined;
    at = at * shape[axis + 1]! + p;
  }
  return at;
}

function forTaps(kernel: number, visit: (at: readonly [number, number, number], tap: number) => void): void {
  let tap = 0;
  for (let z = 0; z < kernel; z++) {
    for (let y = 0; y < kernel; y++) for (let x = 0; x < kernel; x++) visit([z, y, x], tap++);
  }
}

function forVoxels(
  shape: readonly number[],
  visit: (n: number, z: number, y: number, x: number, flat: number) => void,
): void {
  const [batch, depth, height, width] = shape as [number, number, number, number];
  let flat = 0;
  for (let n = 0; n < batch; n++) {
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) visit(n, z, y, x, flat++);
    }
  }
}
