import { requireGpu } from "../check.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";

/** Fields of `Scaling` in shaders/shared/scaling.wgsl, all f32. */
export const SCALING_FIELDS = ["scale", "good", "skipped", "unscale", "correction1", "correction2"] as const;

/** The first scale, PyTorch's. An overflow halves it until gradients fit. */
const FIRST_SCALE = 2 ** 16;

/**
 * The state of dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740), which half precision needs to train:
 * small gradients vanish in f16 unless all are scaled up. The GPU decides: a step whose gradients overflow is left out
 * and halves the scale, many good ones in a row double it (`gradNorm`). It is part of what a run resumes from.
 */
export class LossScaling {
  readonly view: BufferView;
  readonly #gpu: Gpu;

  constructor(gpu: Gpu) {
    requireGpu(gpu);
    const size = 4 * SCALING_FIELDS.length;
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    this.#gpu = gpu;
    this.view = { buffer: gpu.createBuffer("loss scaling", size, usage), offset: 0, size };
    this.write(Float32Array.of(FIRST_SCALE, 0, 0, 1 / FIRST_SCALE, 0, 0));
  }

  /** Values of SCALING_FIELDS. */
  async read(): Promise<Float32Array<ArrayBuffer>> {
    const [bytes] = await this.#gpu.read(this.view);
    return new Float32Array(bytes!);
  }

  /** Sets the state, as `read` gave it. */
  write(values: Float32Array): void {
    this.#gpu.write(this.view, values);
  }

  /** Frees the buffer. */
  destroy(): void {
    this.#gpu.destroyBuffer(this.view.buffer);
  }
}
