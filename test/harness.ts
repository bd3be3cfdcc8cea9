import { expect } from "vitest";
import type { KernelContext } from "../src/gpu/dispatch.ts";
import { byteLength, elementCount, type DType, type Tensor } from "../src/gpu/tensor.ts";
import { BufferUsage, Gpu, type BufferView } from "../src/gpu/gpu.ts";
import { decodeHalf, encodeHalf } from "../src/gpu/half.ts";
import { Graph } from "../src/graph/graph.ts";
import { Plan } from "../src/graph/plan.ts";
import { BINDING_ALIGNMENT } from "../src/gpu/alignment.ts";
import { openGpu } from "../src/node/openGpu.ts";

export interface TensorData {
  readonly shape: readonly number[];
  /** Rounded to half precision where the tensor is f16. */
  readonly data: Float32Array | Uint32Array;
  /** By default what the data are. */
  readonly dtype?: DType;
}

export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype?: DType;
  /** First contents; poisoned with NaN otherwise. */
  readonly init?: Float32Array | Uint32Array;
}

/** A signalling pattern: NaN as f32 and as two f16, recognisable as u32. */
export const POISON = 0x7fc07ead;
const GUARD_BYTES = 256;

/** A tensor for each key; one that may be left out may be missing. */
type TensorsOf<T> = { readonly [K in keyof T]: Tensor };
type ValuesOf<T> = { readonly [K in keyof T]: Float32Array | Uint32Array };

let shared: Promise<Gpu> | undefined;

/** The one device of this test file. Throws with the reason where there is no adapter: tests never skip silently. */
export function testGpu(): Promise<Gpu> {
  return (shared ??= openGpu());
}

interface Placed {
  readonly view: BufferView;
  /** What the buffer holds to begin with, poison and guard bands included. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly dtype: DType;
}

function guarded(
  gpu: Gpu,
  label: string,
  shape: readonly number[],
  dtype: DType,
  init: Float32Array | Uint32Array | undefined,
): Placed {
  const count = elementCount(shape);
  const size = byteLength({ shape, dtype });
  const words = new Uint32Array((BINDING_ALIGNMENT + size + GUARD_BYTES) / 4).fill(POISON);
  if (init) {
    if (init.length !== count) throw new Error(`'${label}': ${init.length} values for shape [${shape}]`);
    // Of an odd number of halves the last one's neighbour stays poison.
    if (dtype === "f16") new Uint16Array(words.buffer, BINDING_ALIGNMENT).set(encodeHalf(init).subarray(0, count));
    else words.set(new Uint32Array(init.buffer, init.byteOffset, init.length), BINDING_ALIGNMENT / 4);
  }
  const { buffer } = gpu.upload(label, words);
  return { view: { buffer, offset: BINDING_ALIGNMENT, size }, words, dtype };
}

/** The values of a tensor from the bytes of its range. */
function valuesOf(bytes: ArrayBuffer, count: number, dtype: DType): Float32Array | Uint32Array {
  if (dtype === "f16") return decodeHalf(new Uint16Array(bytes), count);
  return dtype === "u32" ? new Uint32Array(bytes) : new Float32Array(bytes);
}

/**
 * Runs what `emit` dispatches, once, on poisoned memory. Every tensor has a guard band on either side, and every one
 * that was not written reads NaN.
 */
export async function runKernels<
  I extends Readonly<Record<string, TensorData>>,
  O extends Readonly<Record<string, OutputSpec>>,
>(
  gpu: Gpu,
  inputs: I,
  outputs: O,
  emit: (ctx: KernelContext, t: TensorsOf<I> & TensorsOf<O>) => void,
): Promise<ValuesOf<O>> {
  const graph = new Graph(gpu.caps);
  const tensors: Record<string, Tensor> = {};
  const placed = new Map<string, Placed>();
  const place = (
    name: string,
    shape: readonly number[],
    given: DType | undefined,
    init: Float32Array | Uint32Array | undefined,
  ) => {
    const dtype = given ?? (init instanceof Uint32Array ? "u32" : "f32");
    const made = guarded(gpu, name, shape, dtype, init);
    placed.set(name, made);
    tensors[name] = graph.external(name, shape, made.view, dtype);
  };
  for (const [name, { shape, dtype, data }] of Object.entries(inputs)) place(name, shape, dtype, data);
  for (const [name, { shape, dtype, init }] of Object.entries(outputs)) place(name, shape, dtype, init);
  emit(graph, tensors as TensorsOf<I> & TensorsOf<O>);
  // Kept tensors share no memory, so that each keeps its own poison and guard.
  const transient = new Map(
    [...usedTensors(graph)]
      .map((t) => graph.storageOf(t))
      .filter((t) => !graph.externalView(t))
      .map((t) => [t.id, t]),
  );
  for (const tensor of transient.values()) graph.keep(tensor);
  const plan = await Plan.create(gpu, graph, { label: "test", guard: GUARD_BYTES });
  try {
    for (const buffer of plan.arenaBuffers) {
      gpu.write({ buffer, offset: 0, size: buffer.size }, new Uint32Array(buffer.size / 4).fill(POISON));
    }
    plan.run();
    const names = [...placed.keys()];
    const whole = names.map((name) => placed.get(name)!.view.buffer);
    const bytes = await gpu.read(
      ...whole.map((buffer) => ({ buffer, offset: 0, size: buffer.size })),
      ...plan.arenaBuffers.map((buffer) => ({ buffer, offset: 0, size: buffer.size })),
    );
    const results: Record<string, Float32Array | Uint32Array> = {};
    names.forEach((name, i) => {
      const words = new Uint32Array(bytes[i]!);
      const {
        view: { offset, size },
        words: before,
        dtype,
      } = placed.get(name)!;
      const count = elementCount(tensors[name]!.shape);
      expectPoison(words.subarray(0, offset / 4), `guard before '${name}'`);
      expectPoison(words.subarray((offset + size) / 4), `guard after '${name}'`);
      expectUnusedHalf(words, offset, count, dtype, `'${name}'`);
      if (name in inputs) {
        expect(
          before.every((word, k) => word === words[k]),
          `input '${name}' must not be written`,
        ).toBe(true);
        return;
      }
      results[name] = valuesOf(bytes[i]!.slice(offset, offset + size), count, dtype);
    });
    for (const [id, { arena, offset }] of plan.memory.placements) {
      const words = new Uint32Array(bytes[names.length + arena]!);
      const tensor = transient.get(id)!;
      const end = (offset + byteLength(tensor)) / 4;
      expectUnusedHalf(words, offset, elementCount(tensor.shape), tensor.dtype, `scratch '${tensor.label}'`);
      expectPoison(words.subarray(end, end + GUARD_BYTES / 4), `guard after scratch '${tensor.label}'`);
    }
    return results as ValuesOf<O>;
  } finally {
    plan.destroy();
    for (const { view } of placed.values()) gpu.destroyBuffer(view.buffer);
  }
}

function* usedTensors(graph: Graph): Generator<Tensor> {
  for (const command of graph.commands) {
    if (command.kind === "clear") yield command.tensor;
    else yield* Object.values(command.dispatch.bindings);
  }
}

function expectPoison(words: Uint32Array, what: string): void {
  const at = words.findIndex((word) => word !== POISON);
  if (at >= 0) throw new Error(`${what} was overwritten at word ${at} with 0x${words[at]!.toString(16)}`);
}

/** The half behind an odd number of f16 must be as it was: its word belongs to the tensor, it does not. */
function expectUnusedHalf(words: Uint32Array, offset: number, count: number, dtype: DType, what: string): void {
  if (dtype !== "f16" || count % 2 === 0) return;
  const half = words[offset / 4 + (count - 1) / 2]! >>> 16;
  if (half !== POISON >>> 16) throw new Error(`the half behind ${what} was overwritten with 0x${half.toString(16)}`);
}

/** Every |actual - expected| <= tolerance (one number or one for each element); NaN never passes. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number | ArrayLike<number>,
  what = "value",
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  let worst = -1;
  let worstRatio = 1;
  for (let i = 0; i < expected.length; i++) {
    const allowed = typeof tolerance === "number" ? tolerance : tolerance[i]!;
    const error = Math.abs(actual[i]! - expected[i]!);
    const ratio = error <= allowed ? 0 : error / Math.max(allowed, 1e-300);
    if (Number.isNaN(error) || ratio > worstRatio) {
      worst = i;
      worstRatio = Number.isNaN(error) ? Infinity : ratio;
    }
  }
  if (worst < 0) return;
  const allowed = typeof tolerance === "number" ? tolerance : tolerance[worst]!;
  throw new Error(`${what}[${worst}]: got ${actual[worst]}, expected ${expected[worst]} within ${allowed}`);
}

/** ||actual - expected|| / ||expected||, or the norm of `actual` where `expected` is zero. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(difference) / (norm > 0 ? Math.sqrt(norm) : 1);
}

/** Deterministic normal numbers (mulberry32 and Box-Muller), rounded to f32. */
export function randomArray(n: number, seed: number, scale = 1): Float32Array {
  let state = (seed * 0x9e3779b1 + 1) >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const out = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    out[i] = scale * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return out;
}

/** A storage buffer for tests that look past `runKernels`. */
export function storageBuffer(gpu: Gpu, label: string, bytes: number): GPUBuffer {
  return gpu.createBuffer(label, bytes, BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST);
}
