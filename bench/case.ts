import type { Gpu } from "../src/gpu/gpu.ts";
import type { ReplayTimer } from "../src/gpu/replayTimer.ts";
import type { Plan } from "../src/graph/plan.ts";
import type { CaseDescription } from "./protocol.ts";

export type Values = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
export type CaseData = ReadonlyMap<string, Values>;

/** Values that an output should have, all of them or those at `indices`. */
export interface Expected {
  readonly output: string;
  readonly indices?: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  /** Where this output has one of its own: a sum of many terms beside their means. */
  readonly tolerance?: number;
}

/** What a plan takes for its tensors, in bytes: parameters, their state and inputs are not among them. */
export interface PlannedMemory {
  readonly plannedBytes: number;
  /** The largest sum of tensors alive at once: no plan can take less. */
  readonly lowerBoundBytes: number;
}

export function plannedMemory({ memory }: Plan): PlannedMemory {
  const plannedBytes = memory.arenas.reduce((sum, bytes) => sum + bytes, 0);
  return { plannedBytes, lowerBoundBytes: memory.lowerBound };
}

/** A case on our engine: plans made, inputs on the GPU. */
export interface OpenCase {
  /** Milliseconds of making the plans, shaders included. */
  readonly compileMs: number;
  /** Shader and constants of the heaviest dispatch. */
  readonly variant: string;
  /** Sets of inputs that runs take in turn. */
  readonly sets: number;
  /** Runs are more than a replay, with the host's part between: the timer is left alone. */
  readonly untimed?: true;
  /** Of the plan, where what a run takes is asked. */
  readonly memory?: PlannedMemory;
  /** Submits one replay, or all that a run is. */
  run(timer?: ReplayTimer): void | Promise<void>;
  /** Outputs by name, as they are after the first run. */
  outputs(): Promise<ReadonlyMap<string, ArrayLike<number>>>;
  /** Inputs of peers that the case makes itself, known once its outputs were; others are in its data. */
  madeInputs?(): CaseData;
  destroy(): void;
}

/** What peers are told of a case; files are added once there are any. */
export interface PeerTask {
  readonly operation: CaseDescription["operation"];
  readonly attributes: Readonly<Record<string, number>>;
  /** Inputs by name, with values in the case's data or among `madeInputs`. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** It is one of `madeInputs`. */
    readonly made?: true;
  }[];
  /** None where peers' numbers must be others: they are timed, and nothing is said of them. */
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** One piece of work that is timed. */
export interface BenchCase {
  readonly name: string;
  readonly suite: string;
  readonly shape: string;
  /** Operations as the field counts them: a multiply-add two, padding as if it were there. */
  readonly flops: number;
  /** Each input read once, each output written once. */
  readonly bytes: number;
  /** Relative error, by norms, that float32 explains. */
  readonly tolerance: number;
  /** Missing where no peer is asked. */
  readonly peers?: PeerTask;
  /** Of a case whose activations are stored in half precision, with f16 at the end of its name. */
  readonly precision?: "f16";
  /** The same work so stored, without peers: they compute in f32. Missing where there is nothing to store so. */
  readonly inHalf?: () => BenchCase;
  readonly data: () => CaseData;
  open(gpu: Gpu, data: CaseData, cacheBytes: number): Promise<OpenCase>;
  /** Missing where there is nothing to compare with. */
  expected?(data: CaseData): readonly Expected[] | Promise<readonly Expected[]>;
}

/** The largest over the outputs of |actual - expected| / |expected|; Infinity where one is missing or not finite. */
export function errorOf(outputs: ReadonlyMap<string, ArrayLike<number>>, expected: readonly Expected[]): number {
  let worst = 0;
  for (const { output, indices, values } of expected) {
    const actual = outputs.get(output);
    if (!actual) return Infinity;
    let difference = 0;
    let norm = 0;
    for (let i = 0; i < values.length; i++) {
      difference += (actual[indices ? indices[i]! : i]! - values[i]!) ** 2;
      norm += values[i]! ** 2;
    }
    const error = Math.sqrt(difference / (norm > 0 ? norm : 1));
    // A NaN must not pass for small.
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}

/** The largest error, and whether each is within its tolerance. */
export function judge(
  outputs: ReadonlyMap<string, ArrayLike<number>>,
  expected: readonly Expected[],
  tolerance: number,
): { readonly error: number; readonly right: boolean } {
  const errors = expected.map((one) => ({ error: errorOf(outputs, [one]), allowed: one.tolerance ?? tolerance }));
  return {
    error: Math.max(0, ...errors.map(({ error }) => error)),
    right: errors.every(({ error, allowed }) => error <= allowed),
  };
}

/** What storing a result in f16 adds to its relative error, at most. */
export const HALF_ROUNDING = 2 ** -11;

/** Rounding errors of sums of `terms` products grow as the root of their number. */
export function toleranceOf(terms: number): number {
  return 8 * Math.sqrt(terms) * 2 ** -24;
}
