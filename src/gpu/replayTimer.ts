import { VoxtwirlError } from "../errors.ts";
import { BufferUsage, type Gpu } from "./gpu.ts";
import { replay, SPANS_OF_SET, type Command, type Copy, type Timing } from "./recorder.ts";

/** When one span of a replay ran, in nanoseconds of the GPU's own clock. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/**
 * Timestamps of replays: of the whole one, or of each dispatch (each in a pass of its own).
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
  #origin = 0n;

  /** @throws VoxtwirlError "unsupported" without timestamps */
  constructor(gpu: Gpu, spans: Timing["spans"], dispatches = 1) {
    const { device } = gpu;
    if (!device.features.has("timestamp-query")) {
      throw new VoxtwirlError(
        "unsupported",
        "this device has no timestamp queries",
        "Measure wall time, or use another adapter.",
      );
    }
    const count = spans === "whole" ? 1 : dispatches;
    this.#gpu = gpu;
    this.#count = count;
    const querySets = setsOf(count).map((n) =>
      device.createQuerySet({ label: "timestamps", type: "timestamp", count: 2 * n }),
    );
    this.#timing = { spans, querySets };
    const bytes = 16 * count;
    this.#resolved = gpu.createBuffer("timestamps", bytes, QUERY_RESOLVE | BufferUsage.COPY_SRC);
    this.#staging = gpu.createBuffer("timestamps readback", bytes, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  }

  /** The first timestamp of the replay read last, on the GPU's own clock. */
  get origin(): bigint {
    return this.#origin;
  }

  /** Submits one timed replay; `read` gives its times before the next one may be submitted. */
  replay(label: string, commands: readonly Command[], copies: readonly Copy[] = []): void {
    const { device } = this.#gpu;
    replay(device, label, commands, copies, this.#timing);
    const encoder = device.createCommandEncoder({ label: `${label} timestamps` });
    setsOf(this.#count).forEach((n, i) => {
      encoder.resolveQuerySet(this.#timing.querySets[i]!, 0, 2 * n, this.#resolved, 16 * SPANS_OF_SET * i);
    });
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * this.#count);
    device.queue.submit([encoder.finish()]);
  }

  /** Waits for the replay and gives its spans in order. */
  async read(): Promise<Span[]> {
    await this.#gpu.map(this.#staging);
    const values = new BigUint64Array(this.#staging.getMappedRange().slice(0));
    this.#staging.unmap();
    // Relative to the first, so that doubles hold every nanosecond.
    const origin = values[0] ?? 0n;
    this.#origin = origin;
    return Array.from({ length: this.#count }, (_, i) => ({
      begin: Number(values[2 * i]! - origin),
      end: Number(values[2 * i + 1]! - origin),
    }));
  }

  destroy(): void {
    for (const set of this.#timing.querySets) set.destroy();
    this.#gpu.destroyBuffer(this.#resolved);
    this.#gpu.destroyBuffer(this.#staging);
  }
}

const QUERY_RESOLVE = 512; // GPUBufferUsage.QUERY_RESOLVE

/** How many spans each query set holds. */
function setsOf(spans: number): number[] {
  return Array.from({ length: Math.ceil(spans / SPANS_OF_SET) }, (_, i) =>
    Math.min(SPANS_OF_SET, spans - i * SPANS_OF_SET),
  );
}
