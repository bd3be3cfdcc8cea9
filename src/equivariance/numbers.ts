import { kindOf, tagOf } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";

/** Numbers in their order: a typed array of whatever realm, a plain array, or arrays of these. */
export type NumberArray = ArrayLike<number> | readonly NumberArray[];

/** What the host's arithmetic keeps arrays in. */
export type FloatArray = Float32Array | Float64Array;

/** An array of zeros, of the same precision. */
export function zerosLike<T extends FloatArray>(values: T, length = values.length): T {
  return (values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as T;
}

/** @throws VoxtwirlError "bad-shape" where these are not so many predictions of the target */
export function requireFitting(predictions: ArrayLike<number>, target: ArrayLike<number>, rotations: number): void {
  if (predictions.length === rotations * target.length && target.length > 0) return;
  throw new VoxtwirlError(
    "bad-shape",
    `${predictions.length} numbers are not ${rotations} predictions of a target of ${target.length}`,
    "Give every prediction the target's shape, one after another.",
  );
}

/** A range of an array, as a view where the array has them. */
export function part(values: ArrayLike<number>, start: number, count: number): ArrayLike<number> {
  if (values instanceof Float32Array || values instanceof Float64Array) return values.subarray(start, start + count);
  return Array.from({ length: count }, (_, i) => values[start + i]!);
}

/**
 * The numbers of `value`, nested ones in their order. A Float32Array comes back as it is; what float32 cannot hold
 * exactly becomes float64.
 *
 * @param what names it in errors
 * @throws VoxtwirlError "bad-shape" when it is no array of numbers, "not-finite" when one of them is NaN or infinite
 */
export function readNumbers(what: string, value: unknown): FloatArray {
  if (value instanceof Float32Array) return requireFinite(what, value);
  const leaves = leavesOf(what, value);
  const length = leaves.reduce((sum, leaf) => sum + leaf.length, 0);
  const numbers = leaves.every(isSingle) ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const leaf of leaves) {
    if (!isTypedArray(leaf)) requireNumbers(what, leaf, at);
    numbers.set(leaf, at);
    at += leaf.length;
  }
  return requireFinite(what, numbers);
}

/** The arrays that hold the numbers themselves. */
function leavesOf(what: string, value: unknown): ArrayLike<number>[] {
  if (Array.isArray(value) && typeof value[0] === "object" && value[0] !== null) {
    return value.flatMap((item, i) => leavesOf(`${what}[${i}]`, item));
  }
  if (isTypedArray(value) || isArrayLike(value)) return [value];
  throw new VoxtwirlError("bad-shape", `${what} is ${kindOf(value)}, not an array of numbers`, cureOf(value));
}

/** By its tag: `instanceof` knows no arrays of other realms (frames, Jest, node:vm). */
function isTypedArray(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && /^(Float|Int|Uint)\d+(Clamped)?Array$/.test(tagOf(value));
}

function isSingle(value: ArrayLike<number>): boolean {
  return isTypedArray(value) && /^Float(16|32)Array$/.test(tagOf(value));
}

function isArrayLike(value: unknown): value is ArrayLike<number> {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  const { length } = value as { length?: unknown };
  return typeof length === "number" && Number.isSafeInteger(length) && length >= 0;
}

function requireNumbers(what: string, values: ArrayLike<unknown>, first: number): void {
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] === "number") continue;
    const found = i in values ? kindOf(values[i]) : "missing";
    throw new VoxtwirlError(
      "bad-shape",
      `number ${first + i} of ${what} is ${found}`,
      "Give numbers alone, such as a Float32Array.",
    );
  }
}

function requireFinite<T extends FloatArray>(what: string, values: T): T {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new VoxtwirlError(
    "not-finite",
    `number ${at} of ${what} is ${values[at]}`,
    "Leave that sample out, or look at what the model gives for it.",
  );
}

function cureOf(value: unknown): string {
  const tag = tagOf(value);
  if (typeof (value as { then?: unknown } | null)?.then === "function") return "Await it first.";
  if (typeof value === "number") return "Give an array of one number: [x].";
  if (/^Big(Int|Uint)64Array$/.test(tag)) return "Give a Float64Array: Float64Array.from(values, Number).";
  if (/ GPUBuffer$/.test(kindOf(value))) {
    return "Give a range of it, { buffer, offset: 0, size: buffer.size }, and gpu.";
  }
  if (/^(Shared)?ArrayBuffer$|^DataView$/.test(tag)) return "Give an array of its numbers: new Float32Array(buffer).";
  return "Give a typed or plain array; of a tensor, its data.";
}
