import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { KernelCall } from "../gpu/dispatch.ts";
import { byteLength, type DType, type Tensor } from "../gpu/tensor.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import { decodeHalf, encodeHalf } from "../gpu/half.ts";
import { ReplayTimer } from "../gpu/replayTimer.ts";
import { Graph } from "../graph/graph.ts";
import { Plan } from "../graph/plan.ts";
import { dtypeOf, type Example, type ExampleTensor } from "../kernels/example.ts";
import { kernelWithVariants } from "../kernels/list.ts";
import { contentsOf } from "./exampleData.ts";

/** How far the results of a variant lie from those of the table's, and how far rounding may carry them. */
export interface Difference {
  readonly error: number;
  readonly allowed: number;
}

/** One call on buffers of its own, run by any of its variants. */
export interface Trial {
  /** Compares a variant's results with those of the first that was checked, which must be the table's. */
  check(variant: string): Promise<Difference>;
  /** Milliseconds of one run. */
  time(variant: string): Promise<number>;
  /** Frees what a variant took. */
  drop(variant: string): void;
  destroy(): void;
}

/** A replay holds so many runs that it takes about this long: clocks and passes have their own times. */
const REPLAY_MS = 0.5;
const MOST_RUNS = 32;
/** Of tensors longer than three windows of so many words the begin, the middle and the end are compared. */
const WINDOW = 2 ** 19;
const EPSILON = 2 ** -23;
/** Of results stored in f16, and of factors that subgroup matrices take in it: four units in the last place. */
const HALF = 2 ** -9;

/**
 * @param caps what kernels choose by, where that is not to be this adapter's
 * @throws VoxtwirlError "too-large" or "out-of-memory" where the call's tensors do not fit
 */
export async function openTrial(gpu: Gpu, call: KernelCall, caps: GpuCaps = gpu.caps): Promise<Trial> {
  const trial = new GpuTrial(gpu, call, caps);
  try {
    await trial.measureRuns();
    return trial;
  } catch (error) {
    trial.destroy();
    throw error;
  }
}

class GpuTrial implements Trial {
  readonly #gpu: Gpu;
  readonly #caps: GpuCaps;
  readonly #call: KernelCall;
  readonly #example: Example;
  readonly #views = new Map<string, BufferView>();
  readonly #plans = new Map<string, Plan>();
  readonly #timer: ReplayTimer | undefined;
  #runs = 1;
  #reference: Float32Array[] | undefined;

  constructor(gpu: Gpu, call: KernelCall, caps: GpuCaps) {
    this.#gpu = gpu;
    this.#caps = caps;
    this.#call = call;
    this.#example = kernelWithVariants(call.kernel).example(call.shape);
    try {
      for (const [name, tensor] of Object.entries(this.#example.tensors)) {
        gpu.assertFits(
          `'${name}' of ${call.key}`,
          byteLength({ shape: tensor.shape, dtype: dtypeOf(tensor, this.#call.dtype) }),
        );
        this.#views.set(name, gpu.upload(`tune ${name}`, this.#contentsOf(name, tensor)));
      }
      this.#timer = gpu.device.features.has("timestamp-query") ? new ReplayTimer(gpu, "whole") : undefined;
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  async measureRuns(): Promise<void> {
    const { fallback } = this.#call;
    await this.time(fallback);
    const ms = await this.time(fallback);
    this.#runs = Math.min(MOST_RUNS, Math.max(1, Math.ceil(REPLAY_MS / ms)));
    if (this.#runs > 1) this.drop(fallback);
  }

  async check(variant: string): Promise<Difference> {
    const plan = await this.#plan(variant);
    for (const [name, tensor] of Object.entries(this.#example.tensors)) {
      if (tensor.output) this.#gpu.write(this.#views.get(name)!, this.#contentsOf(name, tensor));
    }
    plan.run();
    const windows = this.#windows();
    const read = await this.#gpu.read(...windows.map(({ view }) => view));
    const results = read.map((bytes, i) => {
      const { dtype } = windows[i]!;
      if (dtype === "u32") return Float32Array.from(new Uint32Array(bytes));
      return dtype === "f16" ? decodeHalf(new Uint16Array(bytes), bytes.byteLength / 2) : new Float32Array(bytes);
    });
    this.#reference ??= results;
    const rounding = 4 * Math.sqrt(this.#example.terms) * EPSILON + (this.#call.dtype === "f16" ? HALF : 0);
    let worst: Difference = { error: 0, allowed: 1 };
    this.#reference.forEach((reference, i) => {
      const difference = compare(results[i]!, reference, rounding);
      // NaN is the worst there is.
      if (!(difference.error / difference.allowed <= worst.error / worst.allowed)) worst = difference;
    });
    return worst;
  }

  async time(variant: string): Promise<number> {
    const plan = await this.#plan(variant);
    if (this.#timer) {
      plan.runTimed(this.#timer);
      const [span] = await this.#timer.read();
      return (span!.end - span!.begin) / 1e6 / this.#runs;
    }
    const begin = performance.now();
    plan.run();
    await this.#gpu.finish();
    return (performance.now() - begin) / this.#runs;
  }

  drop(variant: string): void {
    this.#plans.get(variant)?.destroy();
    this.#plans.delete(variant);
  }

  destroy(): void {
    for (const name of [...this.#plans.keys()]) this.drop(name);
    for (const { buffer } of this.#views.values()) this.#gpu.destroyBuffer(buffer);
    this.#timer?.destroy();
  }

  async #plan(variant: string): Promise<Plan> {
    const known = this.#plans.get(variant);
    if (known) return known;
    const { key } = this.#call;
    const graph = new Graph({ ...this.#caps, choices: { [key]: variant } });
    const tensors: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(this.#example.tensors)) {
      tensors[name] = graph.external(name, tensor.shape, this.#views.get(name)!, dtypeOf(tensor, this.#call.dtype));
    }
    for (let i = 0; i < this.#runs; i++) this.#example.emit(graph, tensors);
    const plan = await Plan.create(this.#gpu, graph, { label: `tune ${key}` });
    for (const call of plan.calls.values()) {
      if (call.key === key && call.variant === variant) continue;
      plan.destroy();
      const message = `${key} was to run '${variant}', but '${call.variant}' of ${call.key} came of it`;
      throw new VoxtwirlError(
        "internal",
        message,
        "Report this: its example does not say what the kernel is called with.",
      );
    }
    this.#plans.set(variant, plan);
    return plan;
  }

  /** As the tensor is stored. */
  #contentsOf(name: string, tensor: ExampleTensor): Float32Array | Uint32Array {
    const numbers = contentsOf(name, tensor.shape, tensor.contents);
    if (dtypeOf(tensor, this.#call.dtype) !== "f16") return numbers;
    return new Uint32Array(encodeHalf(numbers).buffer);
  }

  #windows(): { readonly view: BufferView; readonly dtype: DType }[] {
    return Object.entries(this.#example.tensors).flatMap(([name, tensor]) => {
      if (!tensor.output) return [];
      const dtype = dtypeOf(tensor, this.#call.dtype);
      const { buffer, offset, size } = this.#views.get(name)!;
      const whole = [{ view: { buffer, offset, size }, dtype }];
      if (size <= 12 * WINDOW) return whole;
      const middle = 4 * Math.floor(size / 8) - 2 * WINDOW;
      return [0, middle, size - 4 * WINDOW].map((at) => {
        return { view: { buffer, offset: offset + at, size: 4 * WINDOW }, dtype };
      });
    });
  }
}

/** By the largest magnitude: terms are of one size, so that is what rounding of the sums goes with. */
export function compare(values: Float32Array, reference: Float32Array, rounding: number): Difference {
  let error = 0;
  let largest = 0;
  for (let i = 0; i < reference.length; i++) {
    const difference = Math.abs(values[i]! - reference[i]!);
    if (Number.isNaN(difference)) return { error: NaN, allowed: 0 };
    if (difference > error) error = difference;
    largest = Math.max(largest, Math.abs(reference[i]!));
  }
  return { error, allowed: Math.max(rounding * largest, Number.MIN_VALUE) };
}
