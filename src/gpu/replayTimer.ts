import { VoxtwirlError } from "../errors.ts";
import { BufferUsage, type Gpu } from "./gpu.ts";
import { replay, type Command, type Copy, type Timing } from "./recorder.ts";

/** When one span of a replay ran, in nanoseconds of the GPU's own clock. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** WebGPU's largest query set. */
const MAX_QUERIES = 4096;

/**
 * Timestamps of replays: of the whole one, or of each dispatch (at most 2,048, each in a pass of its own).
 *
 * Needs the feature "timestamp-query". In Node Dawn rounds times to 65 us unless it was opened with
 * "disable-dawn-features=timestamp_quantization", as `openGpu` does.
 */
export class ReplayTimer {
  readonly #gpu: Gpu;
  readonly #timing: Timing;
  readonly #count: number;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  /** @throws VoxtwirlError "unsupported" without timestamps; "too-large" with more dispatches than a query set holds */
  constructor(gpu: Gpu, spans: Timing["spans"], dispatches = 1) {
    if (!gpu.device.features.has("timestamp-query")) {
      throw new VoxtwirlError("unsupported", "this device has no timestamp queries", "Measure wall time, or use another adapter.");
    }
    const count = spans === "whole" ? 1 : dispatches;
    if (2 * count > MAX_QUERIES) {
      throw new VoxtwirlError("too-large", `${count} dispatches have more timestamps than a query set of ${MAX_QUERIES}`, "Time parts of the plan.");
    }
    this.#gpu = gpu;
    this.#count = count;
    this.#timing = { spans, querySet: gpu.device.createQuerySet({ label: "timestamps", type: "timestamp", count: 2 * count }) };
    const bytes = 16 * count;
    this.#resolved = gpu.createBuffer("timestamps", bytes, QUERY_RESOLVE | BufferUsage.COPY_SRC);
    this.#staging = gpu.createBuffer("timestamps readback", bytes, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  }

  /** Submits one timed replay; `read` gives its times before the next one may be submitted. */
  replay(label: string, commands: readonly Command[], copies: readonly Copy[] = []): void {
    const { device } = this.#gpu;
    replay(device, label, commands, copies, this.#timing);
    const encoder = device.createCommandEncoder({ label: `${label} timestamps` });
    encoder.resolveQuerySet(this.#timing.querySet, 0, 2 * this.#count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * this.#count);
    device.queue.submit([encoder.finish()]);
  }

  /** Waits for the replay and gives its spans in order. */
  async read(): Promise<Span[]> {
    await this.#gpu.map(this.#staging);
    const values = new BigUint64Array(this.#staging.getMappedRange().slice(0));
    this.#staging.unmap();
    // Relative to the first, so that doubles hold every nanosecond.
    const origin = values[0]!;
    return Array.from({ length: this.#count }, (_, i) => ({
      begin: Number(values[2 * i]! - origin),
      end: Number(values[2 * i + 1]! - origin),
    }));
  }

  destroy(): void {
    this.#timing.querySet.destroy();
    this.#gpu.destroyBuffer(this.#resolved);
    this.#gpu.destroyBuffer(this.#staging);
  }
}

const QUERY_RESOLVE = 512; // GPUBufferUsage.QUERY_RESOLVE
