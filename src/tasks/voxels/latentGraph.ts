import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { rotateOctahedral } from "../../kernels/rotation/rotateOctahedral.ts";
import type { ForwardOptions } from "../../models/unet3d.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";
import { streams } from "./streams.ts";
import type { VoxelConfig } from "./voxelConfig.ts";

/** Appends a forward pass and hands out its hidden maps. */
export type FeatureModel = (graph: Graph, noisy: Tensor, feature: NonNullable<ForwardOptions["feature"]>) => void;

/** What a molecule's features are made with. */
export interface LatentGraphOptions {
  readonly molecules: PackedMolecules;
  readonly config: VoxelConfig;
  readonly precision: Precision;
  readonly models: { readonly trained: FeatureModel; readonly initial: FeatureModel };
  /** Which layers, all by default. */
  readonly layers?: ((name: string) => boolean) | undefined;
}

/** A layer's maps in both networks, each [chunk, d, d, d, c]. */
export interface LatentMaps {
  readonly name: string;
  readonly size: number;
  readonly channels: number;
  readonly trained: Tensor;
  readonly initial: Tensor;
}

/** One molecule under some rotations through both networks, and what is written before a replay. */
export interface LatentGraph {
  readonly graph: Graph;
  readonly uniform: StepUniform;
  /** u32 [1]: which molecule. */
  readonly molecule: BufferView;
  /** u32 [chunk]: elements of the group. */
  readonly rotations: BufferView;
  readonly maps: readonly LatentMaps[];
  /** Bytes of all maps together, which are kept to the end of a replay. */
  readonly bytes: number;
}

/**
 * Builds the graph. Molecules are posed and noised as in the run's evaluations, and the noise rotates with them.
 *
 * @param chunk rotations at once
 * @param owned buffers that are made are added, for the caller to destroy
 */
export function latentGraph(gpu: Gpu, options: LatentGraphOptions, chunk: number, owned: BufferView[]): LatentGraph {
  const { molecules, config, precision, models, layers = () => true } = options;
  const { grid, resolution, shift, sigma, elements } = config;
  const channels = elements.length;
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    const view = gpu.upload(label, values);
    owned.push(view);
    return view;
  };
  const molecule = upload("molecule", new Uint32Array(1));
  const rotations = upload("rotations", new Uint32Array(chunk));
  const uniform = new StepUniform(gpu, "latents step");
  owned.push(uniform.view());

  const graph = new Graph(gpu.caps, { precision });
  const { noisy } = sampleVoxels(graph, {
    molecules: moleculeTensors(graph, uploadMolecules(upload, "held-out", molecules)),
    ...{ grid, channels, resolution },
    chosen: graph.external("molecule", [1], molecule, "u32"),
    pose: { shift, rotate: "so3", stream: streams.heldoutPose },
    noise: { sigma, stream: streams.heldoutNoise, step: graph.external("step", [8], uniform.view()) },
  });
  const rotated = graph.scratch("rotated", [chunk, grid, grid, grid, channels]);
  const chosen = graph.external("rotations", [chunk], rotations, "u32");
  graph.inPhase("data", () => rotateOctahedral(graph, { label: "rotate", x: noisy, rotations: chosen, y: rotated }));

  const featuresOf = (model: FeatureModel): (readonly [string, Tensor])[] => {
    const found: (readonly [string, Tensor])[] = [];
    model(graph, rotated, (name, tensor) => {
      if (layers(name)) found.push([name, graph.keep(tensor)]);
    });
    return found;
  };
  const trained = featuresOf(models.trained);
  const initial = featuresOf(models.initial);
  const maps = trained.map(([name, tensor], i): LatentMaps => {
    const [, size, , , width] = tensor.shape as [number, number, number, number, number];
    return { name, size, channels: width, trained: tensor, initial: initial[i]![1] };
  });
  const bytes = maps.reduce((sum, { trained }) => sum + 2 * byteLength(trained), 0);
  return { graph, uniform, molecule, rotations, maps, bytes };
}
