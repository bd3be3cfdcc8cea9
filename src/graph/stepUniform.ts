import { requireGpu, requireObject } from "../check.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import { BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import { packStruct, reflect, type StructLayout } from "../gpu/reflect.ts";
import { shaderLibrary } from "../gpu/shaderLibrary.ts";
import { seedWords } from "../kernels/philox.ts";

/** Fields of `Step` in shaders/shared/step.wgsl. */
export interface StepValues {
  readonly seed: number;
  readonly step: number;
  /** Index of the first sample of the batch. */
  readonly sample: number;
  readonly lr: number;
  readonly correction1: number;
  readonly correction2: number;
  readonly emaDecay: number;
}

let layout: StructLayout | undefined;

/** Of `Step`, as the shader has it. */
function stepLayout(): StructLayout {
  const text = () => `${shaderLibrary().step}\n@group(0) @binding(0) var<uniform> step: Step;`;
  layout ??= reflect("step", text()).structs.get("Step")!;
  return layout;
}

/** One or more `Step` uniforms in one buffer, written by the host before a replay. */
export class StepUniform {
  readonly #gpu: Gpu;
  readonly #buffer: GPUBuffer;
  readonly #data: DataView;

  constructor(gpu: Gpu, label: string, count = 1) {
    requireGpu(gpu);
    this.#gpu = gpu;
    this.#buffer = gpu.createBuffer(label, count * BINDING_ALIGNMENT, BufferUsage.UNIFORM | BufferUsage.COPY_DST);
    this.#data = new DataView(new ArrayBuffer(count * BINDING_ALIGNMENT));
  }

  /** The buffer of the uniform, f32 [8]. */
  view(index = 0): BufferView {
    return { buffer: this.#buffer, offset: index * BINDING_ALIGNMENT, size: stepLayout().size };
  }

  /** Sets the values that `write` queues. */
  set(values: StepValues, index = 0): void {
    requireObject("values", values, "Give { seed, step, sample, lr, correction1, correction2, emaDecay }.");
    const { seed, step, sample, lr, correction1, correction2, emaDecay } = values;
    const [seedLo, seedHi] = seedWords(seed);
    const fields = {
      seedLo,
      seedHi,
      step,
      sample,
      lr,
      correction1,
      correction2,
      emaDecay,
    };
    packStruct(stepLayout(), fields, this.#data, index * BINDING_ALIGNMENT, "step");
  }

  /** Sends what was set. */
  write(): void {
    this.#gpu.write({ buffer: this.#buffer, offset: 0, size: this.#data.byteLength }, this.#data);
  }

  /** Frees the buffer. */
  destroy(): void {
    this.#gpu.destroyBuffer(this.#buffer);
  }
}
