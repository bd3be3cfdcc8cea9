import { drawOctahedral } from "../../equivariance/rotations.ts";
import { alignUp, BINDING_ALIGNMENT } from "../../gpu/alignment.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { rotateOctahedral } from "../../kernels/rotation/rotateOctahedral.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { Random } from "../../random.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";

/** Molecules, their poses, grid and noise, and rotations of each. */
export interface TwirledSamplesOptions {
  readonly molecules: PackedMolecules;
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Poses are shifted uniformly in +-shift Angstrom along each axis. */
  readonly shift: number;
  /** Rotations of each molecule: 24 enumerates the octahedral group, 2 to 23 are drawn without replacement. */
  readonly twirl: number;
  /** Poses, shifts, noise and drawn rotations follow from the seed and the molecule's place alone. */
  readonly seed: number;
  readonly streams: { readonly pose: number; readonly noise: number };
  /** How activations are stored (default "f32"); grids, predictions and sums are f32. */
  readonly precision?: Precision;
}

/** Some rotations of a molecule. */
export interface RotationChunk {
  /** u32 [count]. */
  readonly rotations: Tensor;
  readonly count: number;
  /** How many come before. */
  readonly done: number;
}

/** The beginning of every graph that twirls one molecule: its grids, and their rotations in chunks. */
export class TwirledSamples {
  readonly graph: Graph;
  /** f32 [1, D, D, D, E], kept. */
  readonly clean: Tensor;
  readonly noisy: Tensor;
  readonly chunks: readonly RotationChunk[];
  readonly #gpu: Gpu;
  readonly #options: TwirledSamplesOptions;
  readonly #uniform: StepUniform;
  readonly #molecule: BufferView;
  readonly #rotationViews: BufferView[] = [];

  /**
   * @param chunk rotations that are taken at once
   * @param owned buffers that are made are added, for the caller to destroy
   */
  constructor(gpu: Gpu, options: TwirledSamplesOptions, chunk: number, owned: BufferView[]) {
    const { molecules, grid, channels, resolution, sigma, shift, twirl, streams } = options;
    this.#gpu = gpu;
    this.#options = options;
    const upload = (label: string, values: Float32Array | Uint32Array) => {
      const view = gpu.upload(label, values);
      owned.push(view);
      return view;
    };
    const stride = alignUp(chunk * 4, BINDING_ALIGNMENT);
    const { buffer } = upload("rotations", new Uint32Array((Math.ceil(twirl / chunk) * stride) / 4));
    this.#molecule = upload("molecule", new Uint32Array(1));
    this.#uniform = new StepUniform(gpu, "twirl step");
    owned.push(this.#uniform.view());

    const graph = new Graph(gpu.caps, { precision: options.precision });
    const step = graph.external("step", [8], this.#uniform.view());
    const { clean, noisy } = sampleVoxels(graph, {
      molecules: moleculeTensors(graph, uploadMolecules(upload, "held-out", molecules)),
      ...{ grid, channels, resolution },
      chosen: graph.external("molecule", [1], this.#molecule, "u32"),
      pose: { shift, rotate: "so3", stream: streams.pose },
      noise: { sigma, stream: streams.noise, step },
    });
    for (const tensor of [clean, noisy]) graph.keep(tensor);
    const chunks: RotationChunk[] = [];
    for (let done = 0; done < twirl; done += chunk) {
      const count = Math.min(chunk, twirl - done);
      const view = { buffer, offset: chunks.length * stride, size: count * 4 };
      this.#rotationViews.push(view);
      chunks.push({ rotations: graph.external("rotations", [count], view, "u32"), count, done });
    }
    this.graph = graph;
    this.clean = clean;
    this.noisy = noisy;
    this.chunks = chunks;
  }

  /** Of as many grids as this molecule's. */
  shape(samples: number): number[] {
    return [samples, ...this.clean.shape.slice(1)];
  }

  /** Appends the noisy grid in a chunk's rotations: f32 [count, D, D, D, E]. */
  rotated({ rotations, count }: RotationChunk): Tensor {
    const { graph, noisy: x } = this;
    const y = graph.scratch("rotated", this.shape(count));
    graph.inPhase("metric", () => rotateOctahedral(graph, { label: "rotate", x, rotations, y }));
    return y;
  }

  /** Writes what molecule `index` needs, before a replay. */
  prepare(index: number, rotations = this.rotationsOf(index)): void {
    const { seed } = this.#options;
    this.#uniform.set({ seed, step: 0, sample: index, lr: 0, correction1: 1, correction2: 1, emaDecay: 0 });
    this.#uniform.write();
    this.#gpu.write(this.#molecule, Uint32Array.of(index));
    this.chunks.forEach(({ done, count }, i) =>
      this.#gpu.write(this.#rotationViews[i]!, rotations.subarray(done, done + count)),
    );
  }

  /** Elements of the group by which molecule `index` is rotated. */
  rotationsOf(index: number): Uint32Array {
    const { seed, twirl } = this.#options;
    return drawOctahedral(new Random(seed + (index + 1) * 2 ** 32), twirl);
  }
}
