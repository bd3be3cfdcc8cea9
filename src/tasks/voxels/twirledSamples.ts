import { VoxtwirlError } from "../../errors.ts";
import { drawOctahedral } from "../../equivariance/rotations.ts";
import { alignUp, BINDING_ALIGNMENT } from "../../gpu/alignment.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { formatShape, type Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { rotateOctahedral } from "../../kernels/rotation/rotateOctahedral.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { Random } from "../../random.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";

/** Rotations of each sample, and how grids are made and stored. */
export interface TwirlOptions {
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Rotations of each sample: 24 enumerates the octahedral group, 2 to 23 are drawn without replacement. */
  readonly twirl: number;
  /** Poses, shifts, noise and drawn rotations follow from the seed and the sample's place alone. */
  readonly seed: number;
  /** How activations are stored (default "f32"); grids, predictions and sums are f32. */
  readonly precision?: Precision;
}

/** Molecules, which are posed and noised as they are needed. */
export interface MoleculeSamples {
  readonly molecules: PackedMolecules;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Poses are shifted uniformly in +-shift Angstrom along each axis. */
  readonly shift: number;
  readonly streams: { readonly pose: number; readonly noise: number };
}

/** Grids that there are already: inputs and what they should become, each [N, D, D, D, E]. */
export interface GridSamples {
  readonly noisy: Float32Array;
  readonly clean: Float32Array;
}

/** Samples and their rotations. */
export type TwirledSamplesOptions = TwirlOptions & (MoleculeSamples | GridSamples);

/**
 * How many samples there are.
 *
 * @throws VoxtwirlError "bad-shape" for grids that are not whole, or not as many inputs as targets
 */
export function sampleCount(options: TwirledSamplesOptions): number {
  if ("molecules" in options) return options.molecules.count;
  const { noisy, clean, grid, channels } = options;
  const count = clean.length / (grid ** 3 * channels);
  if (Number.isInteger(count) && noisy.length === clean.length) return count;
  throw new VoxtwirlError(
    "bad-shape",
    `${noisy.length} and ${clean.length} numbers are not as many grids ${formatShape([grid, grid, grid, channels])}`,
    "Give noisy and clean as [N, D, D, D, C] each.",
  );
}

/** Some rotations of a sample. */
export interface RotationChunk {
  /** u32 [count]. */
  readonly rotations: Tensor;
  readonly count: number;
  /** How many come before. */
  readonly done: number;
}

/** The beginning of every graph that twirls one sample: its grids, and their rotations in chunks. */
export class TwirledSamples {
  readonly graph: Graph;
  /** f32 [1, D, D, D, E], kept. */
  readonly clean: Tensor;
  readonly noisy: Tensor;
  readonly chunks: readonly RotationChunk[];
  readonly #gpu: Gpu;
  readonly #options: TwirledSamplesOptions;
  readonly #uniform: StepUniform;
  /** Writes where the sample comes from. */
  readonly #choose: (index: number) => void;
  readonly #rotationViews: BufferView[] = [];

  /**
   * @param chunk rotations that are taken at once
   * @param owned buffers that are made are added, for the caller to destroy
   */
  constructor(gpu: Gpu, options: TwirledSamplesOptions, chunk: number, owned: BufferView[]) {
    const { twirl } = options;
    this.#gpu = gpu;
    this.#options = options;
    const upload = (label: string, values: Float32Array | Uint32Array) => {
      const view = gpu.upload(label, values);
      owned.push(view);
      return view;
    };
    const stride = alignUp(chunk * 4, BINDING_ALIGNMENT);
    const { buffer } = upload("rotations", new Uint32Array((Math.ceil(twirl / chunk) * stride) / 4));
    this.#uniform = new StepUniform(gpu, "twirl step");
    owned.push(this.#uniform.view());

    const graph = new Graph(gpu.caps, { precision: options.precision });
    const step = graph.external("step", [8], this.#uniform.view());
    const { clean, noisy, choose } =
      "molecules" in options
        ? moleculeSample(gpu, graph, options, step, upload)
        : gridSample(gpu, graph, options, upload);
    this.#choose = choose;
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

  /** Writes what sample `index` needs, before a replay. */
  prepare(index: number, rotations = this.rotationsOf(index)): void {
    const { seed } = this.#options;
    this.#uniform.set({ seed, step: 0, sample: index, lr: 0, correction1: 1, correction2: 1, emaDecay: 0 });
    this.#uniform.write();
    this.#choose(index);
    this.chunks.forEach(({ done, count }, i) =>
      this.#gpu.write(this.#rotationViews[i]!, rotations.subarray(done, done + count)),
    );
  }

  /** Elements of the group by which sample `index` is rotated. */
  rotationsOf(index: number): Uint32Array {
    const { seed, twirl } = this.#options;
    return drawOctahedral(new Random(seed + (index + 1) * 2 ** 32), twirl);
  }
}

interface Sample {
  readonly clean: Tensor;
  readonly noisy: Tensor;
  readonly choose: (index: number) => void;
}

type Upload = (label: string, values: Float32Array | Uint32Array) => BufferView;

function moleculeSample(
  gpu: Gpu,
  graph: Graph,
  options: TwirlOptions & MoleculeSamples,
  step: Tensor,
  upload: Upload,
): Sample {
  const { molecules, grid, channels, resolution, sigma, shift, streams } = options;
  const molecule = upload("molecule", new Uint32Array(1));
  const grids = sampleVoxels(graph, {
    molecules: moleculeTensors(graph, uploadMolecules(upload, "held-out", molecules)),
    ...{ grid, channels, resolution },
    chosen: graph.external("molecule", [1], molecule, "u32"),
    pose: { shift, rotate: "so3", stream: streams.pose },
    noise: { sigma, stream: streams.noise, step },
  });
  return { ...grids, choose: (index) => gpu.write(molecule, Uint32Array.of(index)) };
}

function gridSample(gpu: Gpu, graph: Graph, options: TwirlOptions & GridSamples, upload: Upload): Sample {
  const { grid, channels } = options;
  const shape = [1, grid, grid, grid, channels];
  const size = grid ** 3 * channels;
  const views = { clean: upload("clean", new Float32Array(size)), noisy: upload("noisy", new Float32Array(size)) };
  return {
    clean: graph.external("clean", shape, views.clean),
    noisy: graph.external("noisy", shape, views.noisy),
    choose(index) {
      for (const name of ["clean", "noisy"] as const) {
        gpu.write(views[name], options[name].subarray(index * size, (index + 1) * size));
      }
    },
  };
}
