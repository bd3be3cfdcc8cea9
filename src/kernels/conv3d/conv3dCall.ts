import type { ConvSizes } from "./conv3dShape.ts";

/** Sizes of one convolution as its variants are chosen by. */
export interface ConvShape extends Record<string, number> {
  batch: number;
  inD: number;
  inH: number;
  inW: number;
  inC: number;
  outD: number;
  outH: number;
  outW: number;
  outC: number;
  kernel: number;
  stride: number;
  pad: number;
  /** Weights are [k, k, k, Co, Ci]. */
  exchanged: number;
  /** They are read from the last tap to the first. */
  flipped: number;
}

export function convShape(
  sizes: ConvSizes,
  stride: number,
  pad: number,
  { exchanged, flipped }: { exchanged: boolean; flipped: boolean } = { exchanged: false, flipped: false },
): ConvShape {
  const [inD, inH, inW] = sizes.inputSize;
  const [outD, outH, outW] = sizes.outputSize;
  const { batch, inputChannels: inC, outputChannels: outC, kernel } = sizes;
  return {
    batch,
    inD,
    inH,
    inW,
    inC,
    outD,
    outH,
    outW,
    outC,
    kernel,
    stride,
    pad,
    exchanged: exchanged ? 1 : 0,
    flipped: flipped ? 1 : 0,
  };
}

/** Up to so many, Winograd's points of weights in three dimensions take longer than they save. */
const FEW_VOXELS = 64;

export function hasManyVoxels({ batch, outD, outH, outW }: ConvShape): boolean {
  return batch * outD * outH * outW > FEW_VOXELS;
}

/** A shape for tests: N = 2, 5 input channels, `depth` planes of `size` by `size` voxels. */
export function testConvShape(
  [depth, size]: readonly [number, number],
  [kernel, stride, pad]: readonly [number, number, number],
  outC: number,
  more: Partial<ConvShape> = {},
): ConvShape {
  const out = (n: number) => Math.floor((n + 2 * pad - kernel) / stride) + 1;
  return {
    ...{ batch: 2, inD: depth, inH: size, inW: size, inC: 5 },
    ...{ outD: out(depth), outH: out(size), outW: out(size), outC },
    ...{ kernel, stride, pad, exchanged: 0, flipped: 0, ...more },
  };
}

export function sizesOf(shape: ConvShape): ConvSizes {
  const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel } = shape;
  return {
    batch,
    inputSize: [inD, inH, inW],
    outputSize: [outD, outH, outW],
    inputChannels: inC,
    outputChannels: outC,
    kernel,
  };
}

export function describeConv(shape: ConvShape): string {
  const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel, stride, pad, exchanged, flipped } = shape;
  const sizes = `${batch}x${inD}x${inH}x${inW}x${inC} -> ${outD}x${outH}x${outW}x${outC}`;
  return `${sizes}, k${kernel} s${stride} p${pad}${flipped ? " flipped" : exchanged ? " exchanged" : ""}`;
}
