import { VoxtwirlError } from "../errors.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import { Graph } from "../graph/graph.ts";
import { Plan } from "../graph/plan.ts";
import { resample } from "../kernels/rotation/resample.ts";
import { rotateOctahedral } from "../kernels/rotation/rotateOctahedral.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { kindOf } from "./numbers.ts";
import { inverseRotation, requireElement, type Rotation, type RotationGroup } from "./groups.ts";

interface Grid {
  readonly size: number;
  readonly channels: number;
}

/**
 * Rotates grids that lie in GPU buffers: copies of an input before a model sees them, and its predictions back again.
 * Callers' buffers are copied on the GPU, so that the two plans never change.
 */
export class BufferRotator {
  readonly #gpu: Gpu;
  readonly #group: RotationGroup;
  readonly #count: number;
  readonly #input: BufferView;
  readonly #raw: BufferView;
  readonly #elements: BufferView;
  readonly #matrices: BufferView;
  readonly #forward: { plan: Plan; rotated: Tensor };
  readonly #back: { plan: Plan; rotated: Tensor };

  private constructor(
    gpu: Gpu,
    group: RotationGroup,
    count: number,
    buffers: BufferView[],
    forward: Built,
    back: Built,
  ) {
    this.#gpu = gpu;
    this.#group = group;
    this.#count = count;
    [this.#input, this.#raw, this.#elements, this.#matrices] = buffers as [
      BufferView,
      BufferView,
      BufferView,
      BufferView,
    ];
    this.#forward = forward;
    this.#back = back;
  }

  static async create(
    gpu: Gpu,
    { group, count, input, output }: { group: RotationGroup; count: number; input: Grid; output: Grid },
  ): Promise<BufferRotator> {
    const buffers: BufferView[] = [];
    const plans: Plan[] = [];
    const buffer = (label: string, size: number) => {
      const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC;
      buffers.push({ buffer: gpu.createBuffer(label, size, usage), offset: 0, size });
      return buffers.at(-1)!;
    };
    try {
      const x = buffer("input", gridBytes(input));
      const raw = buffer("predictions", count * gridBytes(output));
      const elements = buffer("elements", count * 4);
      const matrices = buffer("matrices", count * 36);
      const build = async (
        label: string,
        view: BufferView,
        { size, channels }: Grid,
        copies: number,
      ): Promise<Built> => {
        const graph = new Graph(gpu.caps);
        const shape = (n: number) => [n, size, size, size, channels];
        const given = graph.external(label, shape(copies), view);
        const rotations = graph.external("elements", [count], elements, "u32");
        const rotated = graph.scratch("rotated", shape(count));
        const perSample = copies === count;
        if (group.interpolation) {
          const rows = graph.external("matrices", [count, 9], matrices);
          // One grid is copied by rotating it by elements that are all the identity.
          const many = perSample ? given : graph.scratch("copies", shape(count));
          if (!perSample) rotateOctahedral(graph, { label: "copy", x: given, rotations, y: many });
          resample(graph, { label, x: many, rotations: rows, y: rotated, method: group.interpolation });
        } else {
          rotateOctahedral(graph, { label, x: given, rotations, y: rotated, perSample });
        }
        graph.keep(rotated);
        const plan = await Plan.create(gpu, graph, { label });
        plans.push(plan);
        return { plan, rotated };
      };
      const forward = await build("rotate", x, input, 1);
      const back = await build("rotate back", raw, output, count);
      return new BufferRotator(gpu, group, count, buffers, forward, back);
    } catch (error) {
      for (const plan of plans) plan.destroy();
      for (const { buffer: made } of buffers) gpu.destroyBuffer(made);
      throw error;
    }
  }

  /** @throws VoxtwirlError "bad-shape" when a sample is no two grids as stated; `what` names it */
  check(what: string, input: BufferView, target: BufferView): void {
    requireView(`the input of ${what}`, input, this.#input.size);
    requireView(`the target of ${what}`, target, this.#raw.size / this.#count);
  }

  /** The input [D, D, D, C] under each rotation, [count, D, D, D, C], until the next call. */
  rotate(input: BufferView, rotations: readonly Rotation[]): BufferView {
    this.#copy("the input", input, this.#input);
    this.#write(rotations);
    this.#forward.plan.run();
    return this.#forward.plan.view(this.#forward.rotated);
  }

  /**
   * Predictions [count, D, D, D, C] each rotated back, and the target, read from the GPU.
   *
   * @throws VoxtwirlError "bad-shape" when the predictions are no such range; `what` names them
   */
  async rotateBack(
    what: string,
    raw: BufferView,
    rotations: readonly Rotation[],
    target: BufferView,
  ): Promise<{ predictions: Float32Array[]; target: Float32Array }> {
    const bytes = this.#raw.size / this.#count;
    requireView(what, raw, this.#raw.size);
    this.#copy("the predictions", raw, this.#raw);
    this.#write(rotations.map(inverseRotation));
    this.#back.plan.run();
    const [all, y] = await this.#gpu.read(this.#back.plan.view(this.#back.rotated), target);
    const predictions = rotations.map((_, i) => new Float32Array(all!, i * bytes, bytes / 4));
    return { predictions, target: new Float32Array(y!) };
  }

  #write(rotations: readonly Rotation[]): void {
    if (this.#group.interpolation) this.#gpu.write(this.#matrices, Float32Array.from(rotations.flat()));
    else this.#gpu.write(this.#elements, Uint32Array.from(rotations, requireElement));
  }

  #copy(what: string, from: BufferView, to: BufferView): void {
    const encoder = this.#gpu.device.createCommandEncoder({ label: what });
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, to.size);
    this.#gpu.device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    this.#forward.plan.destroy();
    this.#back.plan.destroy();
    for (const { buffer } of [this.#input, this.#raw, this.#elements, this.#matrices]) this.#gpu.destroyBuffer(buffer);
  }
}

interface Built {
  readonly plan: Plan;
  readonly rotated: Tensor;
}

function gridBytes({ size, channels }: Grid): number {
  return size ** 3 * channels * 4;
}

/** A range of a GPU buffer, known by its methods: that of another realm has another class. */
export function isBufferView(value: unknown): value is BufferView {
  const { buffer } = (value ?? {}) as { buffer?: Partial<BufferView["buffer"]> };
  return typeof buffer?.mapAsync === "function" && typeof buffer.size === "number";
}

function requireView(what: string, view: BufferView, size: number): void {
  const cure = "Give f32 grids of the stated size and channels, as { buffer, offset, size } in bytes.";
  if (!isBufferView(view)) {
    throw new VoxtwirlError("bad-shape", `${what} is ${kindOf(view)}, not a range of a GPU buffer`, cure);
  }
  if (view.size !== size) throw new VoxtwirlError("bad-shape", `${what} takes ${view.size} bytes, not ${size}`, cure);
  if (view.offset % 4 === 0 && view.offset >= 0 && view.offset + size <= view.buffer.size) return;
  const range = `${what} begins at byte ${view.offset} and takes ${size} of a buffer of ${view.buffer.size}`;
  throw new VoxtwirlError("bad-shape", range, cure);
}
