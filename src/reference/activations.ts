import { mapped, twin, type Twin, type Twins } from "./twin.ts";

/** Twins of shaders/activation.wgsl in float64. */

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

export function siluSlope(x: number): number {
  const s = 1 / (1 + Math.exp(-x));
  return s * (1 + x * (1 - s));
}

export function gelu(x: number): number {
  return x * normalCdf(x);
}

export function geluSlope(x: number): number {
  return normalCdf(x) + x * normalPdf(x);
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function sigmoidSlope(x: number): number {
  return sigmoid(x) * (1 - sigmoid(x));
}

function normalPdf(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
}

/**
 * The standard normal distribution function: near 0 by the series of its integral, pdf(x) (x + x^3 / 3 + x^5 / 15 ...),
 * far from it by the continued fraction of its tail, pdf(x) / (x + 1 / (x + 2 / (x + 3 / ...))).
 */
function normalCdf(x: number): number {
  const size = Math.abs(x);
  if (!(size > 3)) {
    let term = x;
    let sum = x;
    for (let i = 3; i < 200; i += 2) sum += term *= (x * x) / i;
    return 0.5 + normalPdf(x) * sum;
  }
  let fraction = size;
  for (let i = 200; i > 0; i--) fraction = size + i / fraction;
  const tail = normalPdf(x) / fraction;
  return x > 0 ? 1 - tail : tail;
}

const forward = (f: (x: number) => number): Twin => twin<"x", never>(({ x }) => ({ y: mapped(x, f) }));

const backward = (slope: (x: number) => number): Twin => {
  return twin<"x" | "gradY", never>(({ x, gradY }) => ({ gradX: mapped(x, (v, i) => gradY[i]! * slope(v)) }));
};

export const twins: Twins = {
  silu: forward(silu),
  siluGrad: backward(siluSlope),
  gelu: forward(gelu),
  geluGrad: backward(geluSlope),
  sigmoid: forward(sigmoid),
  sigmoidGrad: backward(sigmoidSlope),
};
