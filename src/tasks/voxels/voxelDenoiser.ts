import { kindOf, requireGpu, requireMethod, requireShape, tagOf } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { formatShape, type Tensor } from "../../gpu/tensor.ts";
import { BufferUsage, type BufferView, type Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import { GridPlans, type GridShape } from "../../models/gridPlans.ts";
import { unet3d, type ForwardOptions } from "../../models/unet3d.ts";
import { unetParameters, type UNet3dConfig } from "../../models/unetLayout.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { TrainedModel, TrainedModelOptions } from "../../training/task.ts";
import { loadedStore } from "../loadedStore.ts";
import { Turns } from "../turns.ts";
import { unetConfig, type VoxelConfig } from "./voxelConfig.ts";
import { voxelModelFile } from "./voxelModelFile.ts";

/**
 * A trained voxel denoiser, ready to run: takes noisy grids, gives clean ones. A file says how its network is built.
 *
 * ```ts
 * const model = await VoxelDenoiser.load(gpu, bytes); // in Node: await openModel(gpu, "runs/tiny-1")
 * const clean = await model.predict(noisy); // Float32Array [N, D, D, D, C], D and C as in its training
 * model.destroy();
 * ```
 *
 * Grids are channels-last, [N, D, H, W, C], with a channel for each of `config.elements`, and voxels of
 * `config.resolution` Angstrom. N, D, H and W may differ from call to call; D, H and W are multiples of
 * 2^(levels - 1). More grids than fit at once are done one part after another. Calls take their turn.
 */
export class VoxelDenoiser implements TrainedModel {
  /** What the model was trained with: its elements, grid, resolution and noise. */
  readonly config: VoxelConfig;
  /** Updates that the weights have seen; NaN where the file does not say. */
  readonly step: number;
  /** How activations are stored. */
  readonly precision: Precision;
  readonly #gpu: Gpu;
  readonly #network: UNet3dConfig;
  readonly #store: ParameterStore;
  readonly #plans: GridPlans;
  readonly #turns = new Turns();
  #destroyed = false;

  private constructor(gpu: Gpu, { config, step }: ModelFile<VoxelConfig>, precision: Precision, store: ParameterStore) {
    this.config = config.training;
    this.step = step;
    this.precision = precision;
    this.#gpu = gpu;
    this.#network = unetConfig(config.training);
    this.#store = store;
    this.#plans = new GridPlans(gpu, precision, (graph, x) => this.forward(graph, x));
  }

  /**
   * @param model the bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them
   * @param options inputs and predictions are f32 whatever the precision
   * @throws VoxtwirlError "bad-file" when it is no model, "bad-config" when its configuration cannot be used,
   *   "unsupported" for f16 on an adapter without it, "out-of-memory" when the weights do not fit
   */
  static async load(
    this: void,
    gpu: Gpu,
    model: Uint8Array | ModelFile,
    options: TrainedModelOptions = {},
  ): Promise<VoxelDenoiser> {
    requireGpu(gpu);
    const file = voxelModelFile(model);
    const parameters = unetParameters(unetConfig(file.config.training));
    const { store, precision } = await loadedStore(gpu, file, parameters, options);
    return new VoxelDenoiser(gpu, file, precision, store);
  }

  /**
   * Appends a forward pass to a graph of the caller's, as a `VoxelModel`: f32 [N, D, H, W, C] to the same shape.
   *
   * @param feature called with the hidden maps, as in `ForwardOptions`
   */
  forward(graph: Graph, x: Tensor, feature?: ForwardOptions["feature"]): Tensor {
    this.#check();
    const parameter = this.#store.bind(graph, { constants: "weights" });
    return unet3d(graph, this.#network, x, { parameter, ...(feature && { feature }) });
  }

  /**
   * Denoises grids that lie in an array; as a `Predict` of `measureEquivariance`: `(grids) => model.predict(grids)`.
   *
   * @param grids [N, D, H, W, C]; copied before this returns control
   * @param shape as many cubes of the training's size as the array holds, by default
   * @returns an array of the same shape
   * @throws VoxtwirlError "bad-shape" when the array does not have the shape, or the network does not take it;
   *   "too-large" or "out-of-memory" when not even one grid fits; "destroyed"
   */
  async predict(grids: Float32Array, shape?: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    if (tagOf(grids) !== "Float32Array") {
      throw new VoxtwirlError("bad-shape", `the grids are ${kindOf(grids)}`, "Give a Float32Array [N, D, H, W, C].");
    }
    const checked = this.#shape("the array", shape, grids.length);
    const values = grids.slice();
    const result = new Float32Array(values.length);
    const size = values.length / checked[0];
    let last: Promise<void> | undefined;
    await this.#inTurn(() =>
      this.#plans.each(checked, ({ plan, input, output }, first, count) => {
        this.#gpu.write(input, values.subarray(first * size, (first + count) * size));
        plan.run();
        const read = this.#gpu.read({ ...output, size: 4 * count * size });
        const done = read.then(([bytes]) => result.set(new Float32Array(bytes!), first * size));
        if (first + count < checked[0]) return done;
        // The next call need not wait.
        last = done;
        return undefined;
      }),
    );
    await last;
    return result;
  }

  /**
   * The same from one range of a GPU buffer to another, without a copy to the host. It resolves when the work is
   * submitted: what is submitted afterwards finds the predictions in `output`.
   *
   * @param input f32 [N, D, H, W, C], of a buffer with usage COPY_SRC
   * @param output as many bytes at least, of a buffer with usage COPY_DST
   * @param shape as many cubes of the training's size as the input holds, by default
   * @throws VoxtwirlError as `predict`; "bad-option" for a buffer without the usage
   */
  async run(input: BufferView, output: BufferView, shape?: readonly number[]): Promise<void> {
    requireRange("the input", input, BufferUsage.COPY_SRC, "COPY_SRC");
    requireRange("the output", output, BufferUsage.COPY_DST, "COPY_DST");
    const checked = this.#shape("the input", shape, input.size / 4);
    if (output.size < input.size) {
      const message = `the output has ${output.size} bytes, the predictions take ${input.size}`;
      throw new VoxtwirlError("bad-shape", message, "Give a range as large as the input's.");
    }
    const size = input.size / checked[0];
    await this.#inTurn(() =>
      this.#plans.each(checked, (ready, first, count) => {
        const offset = first * size;
        const encoder = this.#gpu.device.createCommandEncoder({ label: "grids" });
        encoder.copyBufferToBuffer(input.buffer, input.offset + offset, ready.input.buffer, 0, count * size);
        this.#gpu.device.queue.submit([encoder.finish()]);
        const from = { ...ready.output, size: count * size };
        ready.plan.run([{ from, to: output.buffer, toOffset: output.offset + offset }]);
      }),
    );
  }

  /** Frees weights and plans. Predictions under way still arrive; twice is harmless. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#plans.destroy();
    this.#store.destroy();
  }

  /** One call after another: plans are shared. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    return this.#turns.take(async () => {
      this.#check();
      await work();
    });
  }

  #check(): void {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this model was destroyed", "Load it again.");
  }

  #shape(what: string, shape: readonly number[] | undefined, length: number): GridShape {
    this.#check();
    const { grid, elements } = this.config;
    const channels = elements.length;
    const cube = grid ** 3 * channels;
    if (shape === undefined) {
      if (length > 0 && length % cube === 0) return [length / cube, grid, grid, grid, channels];
      const message = `${what} has ${length} numbers, and a grid ${formatShape([grid, grid, grid, channels])} ${cube}`;
      throw new VoxtwirlError("bad-shape", message, "Give whole grids, or the shape of other ones: [N, D, H, W, C].");
    }
    requireShape("shape", shape, ["N", "D", "H", "W", "C"]);
    const count = shape.reduce((product, n) => product * n, 1);
    if (count === length) return shape as unknown as GridShape;
    const message = `${what} has ${length} numbers, and shape ${formatShape(shape)} ${count}`;
    throw new VoxtwirlError("bad-shape", message, "Give the shape of these grids, [N, D, H, W, C].");
  }
}

function requireRange(what: string, view: BufferView | undefined, usage: number, name: string): void {
  const { buffer, offset, size }: Partial<BufferView> = view ?? {};
  requireMethod(`${what}'s buffer`, buffer, "mapAsync", "Give { buffer, offset, size } in bytes.");
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) % 4 === 0;
  if (!whole(offset) || !whole(size) || offset! + size! > buffer!.size) {
    const message = `${what} begins at byte ${offset} and takes ${size} of a buffer of ${buffer!.size}`;
    throw new VoxtwirlError("bad-shape", message, "Give { buffer, offset, size } in bytes, multiples of 4.");
  }
  if ((buffer!.usage & usage) !== 0) return;
  throw new VoxtwirlError(
    "bad-option",
    `${what}'s buffer has no usage ${name}`,
    `Make it with GPUBufferUsage.${name}.`,
  );
}
