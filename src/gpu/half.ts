import { requireNumbers } from "../check.ts";

// Half precision (IEEE 754 binary16) on the host: numbers as f16 tensors hold them.

const float = new Float32Array(1);
const bitsOfFloat = new Uint32Array(float.buffer);

/** Bits of the f16 nearest to an f32, ties to even; infinite from 65520 on. */
function encode(value: number): number {
  float[0] = value;
  const bits = bitsOfFloat[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  // Below the smallest normal number steps are 2^-24.
  if (size < 2 ** -14) {
    const steps = size * 2 ** 24;
    const below = Math.floor(steps);
    const up = steps - below > 0.5 || (steps - below === 0.5 && below % 2 === 1);
    return sign | (below + Number(up));
  }
  const kept = (bits >>> 13) & 0x3ff;
  const lost = bits & 0x1fff;
  const half = ((((bits >>> 23) & 0xff) - 112) << 10) | kept;
  // A carry out of the fraction belongs into the exponent.
  return sign | (half + Number(lost > 0x1000 || (lost === 0x1000 && kept % 2 === 1)));
}

/** The value of a normal number's first bit, by its exponent. */
const powers = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 15));

function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * powers[exponent]!;
}

/**
 * The words of an f16 tensor with these values, taken as f32 and rounded to nearest; an unused one at the end where
 * they are odd in number.
 */
export function encodeHalf(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  requireNumbers("values", values);
  const words = new Uint16Array(2 * Math.ceil(values.length / 2));
  for (let i = 0; i < values.length; i++) words[i] = encode(values[i]!);
  return words;
}

/** The first `count` values of an f16 tensor. */
export function decodeHalf(words: Uint16Array, count: number): Float32Array<ArrayBuffer> {
  requireNumbers("words", words);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = decode(words[i]!);
  return values;
}
