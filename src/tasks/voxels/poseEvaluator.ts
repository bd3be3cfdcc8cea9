import { VoxtwirlError } from "../../errors.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { resample, type ResampleMethod } from "../../kernels/rotation/resample.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { moleculeTensors, noisyVoxels, posedVoxels, uploadMolecules } from "./noisyVoxels.ts";
import { Random } from "../../random.ts";
import { inverseRotation } from "../../equivariance/groups.ts";
import { ballVoxels, gatherVoxels } from "../../equivariance/interpolate.ts";
import { poseSums, type PoseSums } from "../../equivariance/poseEstimator.ts";
import { poseAverages, type PoseAverages } from "../../equivariance/poseGain.ts";
import { haarRotation } from "../../equivariance/rotations.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { requireEvaluation, type VoxelModel } from "./evaluationGraph.ts";

/** Molecules, grid, noise and rotations of the evaluation. */
export interface PoseEvaluatorOptions {
  readonly molecules: PackedMolecules;
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Poses are shifted uniformly in +-shift Angstrom along each axis before they are rotated. */
  readonly shift: number;
  /** Rotations of each molecule, independent and uniform, at least 2. */
  readonly rotations: number;
  /** Noises of each rotation, at least 2; 2 by default. */
  readonly noises?: number;
  /** How predictions are rotated back; Catmull-Rom by default. */
  readonly method?: ResampleMethod;
  /** Everything random follows from the seed and the molecule's place. */
  readonly seed: number;
  /** Stream of the noise, which shares no numbers with VoxelEvaluator's on the same stream. */
  readonly stream: number;
  /** How the model's activations are stored (default "f32"); grids and predictions are f32. */
  readonly precision?: Precision;
  /** Rotations predicted in one batch at most. */
  readonly chunk?: number;
}

/** What is kept of one molecule. */
export interface PoseMeasurement extends PoseSums {
  readonly averages: PoseAverages;
}

type Complete = Required<Omit<PoseEvaluatorOptions, "chunk">>;

/**
 * Measures how predictions depend on the pose under all rotations (`PoseResult`). Grids cannot be rotated exactly, so
 * the atoms are: rotate them about the grid's centre, voxelise, add fresh noise, predict, and rotate only the
 * prediction back. Compared are the voxels of the inscribed ball, which no rotation takes out of the grid.
 */
export class PoseEvaluator {
  /** Voxels times channels that are compared. */
  readonly elements: number;
  readonly #gpu: Gpu;
  readonly #options: Complete;
  readonly #built: Built;
  readonly #plan: Plan;
  readonly #targetPlan: Plan;
  readonly #ball: Uint32Array;

  private constructor(gpu: Gpu, options: Complete, built: Built, plans: Plan[]) {
    this.#gpu = gpu;
    this.#options = options;
    this.#built = built;
    [this.#plan, this.#targetPlan] = plans as [Plan, Plan];
    this.#ball = ballVoxels(options.grid);
    this.elements = this.#ball.length * options.channels;
  }

  /**
   * Predicts as many rotations in one batch as fit.
   *
   * @throws VoxtwirlError "bad-option" for fewer than two rotations or noises, "no-data" without molecules, "too-large"
   *   or "out-of-memory" when not even one rotation at a time fits
   */
  static async create(gpu: Gpu, given: PoseEvaluatorOptions, model: VoxelModel): Promise<PoseEvaluator> {
    requireEvaluation(gpu, given, model, "rotations, stream");
    const options: Complete = { noises: 2, method: "catmullRom", precision: "f32", ...given };
    const { rotations, noises, molecules } = options;
    if (![rotations, noises].every((count) => Number.isSafeInteger(count) && count >= 2)) {
      const message = `${rotations} rotations with ${noises} noises each give no variance`;
      throw new VoxtwirlError("bad-option", message, "Use at least two of both.");
    }
    if (molecules.count < 1) {
      throw new VoxtwirlError("no-data", "there is no held-out molecule", "Hold out at least one.");
    }
    return asManyAsFit(gpu, Math.min(given.chunk ?? rotations, rotations), async (chunk, { owned, plans }) => {
      const built = build(gpu, options, model, chunk, owned);
      plans.push(await Plan.create(gpu, built.graph, { label: "pose" }));
      plans.push(await Plan.create(gpu, built.targetGraph, { label: "pose target" }));
      return new PoseEvaluator(gpu, options, built, plans);
    });
  }

  /** The sums of one molecule, for `poseResult`, with the errors of its averages over poses, for `poseGains`. */
  async measure(index: number, counts: readonly number[] = []): Promise<PoseMeasurement> {
    const { channels, rotations, noises, seed, shift } = this.#options;
    const { molecule, uniform, poses, inverses, chunk, back, cleanBack } = this.#built;
    const random = new Random(seed + (index + 1) * 2 ** 32);
    const base = haarRotation(random);
    const offset = [0, 1, 2].map(() => shift * (2 * random.next() - 1));
    const turns = Array.from({ length: rotations }, () => haarRotation(random));
    const inside = (grid: Float32Array) => gatherVoxels(grid, this.#ball, channels);
    const grids = this.#options.grid ** 3 * channels;

    this.#gpu.write(molecule, new Uint32Array(chunk * noises).fill(index));
    const run = (plan: Plan, chosen: readonly (readonly number[])[], step: number, sample: number) => {
      const repeated = chosen.flatMap((turn) => Array.from({ length: noises }, () => turn));
      this.#gpu.write(
        poses,
        Float32Array.from(repeated.flatMap((turn) => [...product(turn, base), ...applied(turn, offset)])),
      );
      this.#gpu.write(inverses, Float32Array.from(repeated.flatMap(inverseRotation)));
      uniform.set({ seed, step, sample, lr: 0, correction1: 1, correction2: 1, emaDecay: 0 });
      uniform.write();
      plan.run();
    };
    run(this.#targetPlan, [IDENTITY], 0, 0);
    const [target] = (await this.#targetPlan.read(this.#built.target)) as [Float32Array];
    const y = inside(target);

    const predictions = new Float32Array(rotations * noises * y.length);
    const cleans = new Float32Array(rotations * y.length);
    for (let done = 0; done < rotations; done += chunk) {
      const chosen = turns.slice(done, done + chunk);
      const filled = [...chosen, ...Array.from({ length: chunk - chosen.length }, () => IDENTITY)];
      // Step 0 is VoxelEvaluator's: the noise of a molecule here is numbered by steps from 1.
      run(this.#plan, filled, index + 1, done * noises);
      const [f, c] = (await this.#plan.read(back, cleanBack)) as [Float32Array, Float32Array];
      const grid = (all: Float32Array, i: number) => inside(all.subarray(i * grids, (i + 1) * grids));
      for (let i = 0; i < chosen.length; i++) {
        for (let j = 0; j < noises; j++) {
          predictions.set(grid(f, i * noises + j), ((done + i) * noises + j) * y.length);
        }
        cleans.set(grid(c, i * noises), (done + i) * y.length);
      }
    }
    const sums = poseSums(predictions, cleans, y, { rotations, noises });
    if (Number.isFinite(sums.pose + sums.total)) {
      return { ...sums, averages: poseAverages(predictions, y, { rotations, noises }, counts, random) };
    }
    throw new VoxtwirlError(
      "not-finite",
      `the predictions of molecule ${index} are not finite`,
      "Use an earlier checkpoint.",
    );
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#plan.destroy();
    this.#targetPlan.destroy();
    for (const { buffer } of this.#built.owned) this.#gpu.destroyBuffer(buffer);
  }
}

const IDENTITY: readonly number[] = [1, 0, 0, 0, 1, 0, 0, 0, 1];

interface Built {
  readonly graph: Graph;
  /** Makes the unrotated grid alone. */
  readonly targetGraph: Graph;
  readonly uniform: StepUniform;
  readonly molecule: BufferView;
  readonly poses: BufferView;
  readonly inverses: BufferView;
  /** Rotations in one replay. */
  readonly chunk: number;
  readonly target: Tensor;
  /** Predictions and clean grids, rotated back; [rotation, noise, D, D, D, E]. */
  readonly back: Tensor;
  readonly cleanBack: Tensor;
  readonly owned: BufferView[];
}

function build(gpu: Gpu, options: Complete, model: VoxelModel, chunk: number, owned: BufferView[]): Built {
  const { molecules, grid, channels, resolution, sigma, noises, method, stream } = options;
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    owned.push(gpu.upload(label, values));
    return owned.at(-1)!;
  };
  const count = chunk * noises;
  const molecule = upload("molecules", new Uint32Array(count));
  const poses = upload("poses", new Float32Array(count * 12));
  const inverses = upload("inverses", new Float32Array(count * 9));
  const uniform = new StepUniform(gpu, "pose step");
  owned.push(uniform.view());
  const moleculeBuffers = uploadMolecules(upload, "pose", molecules);
  const voxels = (graph: Graph, label: string, n: number) => {
    const y = posedVoxels(graph, {
      ...{ label, molecules: moleculeTensors(graph, moleculeBuffers), grid, channels, resolution },
      chosen: graph.external("molecules", [n], molecule, "u32"),
      poses: graph.external("poses", [n, 12], poses),
    });
    return graph.keep(y);
  };
  const targetGraph = new Graph(gpu.caps);
  const target = voxels(targetGraph, "target", 1);

  const graph = new Graph(gpu.caps, { precision: options.precision });
  const shape = [count, grid, grid, grid, channels];
  const clean = voxels(graph, "clean", count);
  const step = graph.external("step", [8], uniform.view());
  const noisy = noisyVoxels(graph, clean, { sigma, stream, step });
  const prediction = model(graph, noisy);
  const rotations = graph.external("inverses", [count, 9], inverses);
  const rotateBack = (label: string, x: Tensor) => {
    const y = graph.keep(graph.scratch(label, shape));
    graph.inPhase("metric", () => resample(graph, { label, x, rotations, y, method }));
    return y;
  };
  const back = rotateBack("rotate back", prediction);
  const cleanBack = rotateBack("rotate clean back", clean);
  return { graph, targetGraph, uniform, molecule, poses, inverses, chunk, target, back, cleanBack, owned };
}

function product(a: readonly number[], b: readonly number[]): number[] {
  return a.map((_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    return a[3 * i]! * b[j]! + a[3 * i + 1]! * b[3 + j]! + a[3 * i + 2]! * b[6 + j]!;
  });
}

function applied(matrix: readonly number[], v: readonly number[]): number[] {
  return [0, 1, 2].map((i) => matrix[3 * i]! * v[0]! + matrix[3 * i + 1]! * v[1]! + matrix[3 * i + 2]! * v[2]!);
}
