import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { ForwardOptions } from "../../models/unet3d.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { streams } from "./streams.ts";
import { TwirledSamples } from "./twirledSamples.ts";
import type { VoxelConfig } from "./voxelConfig.ts";

/** Appends a forward pass and hands out its hidden maps. */
export type FeatureModel = (graph: Graph, noisy: Tensor, feature: NonNullable<ForwardOptions["feature"]>) => void;

/** What a molecule's features are made with. */
export interface LatentGraphOptions {
  readonly molecules: PackedMolecules;
  readonly config: VoxelConfig;
  readonly precision: Precision;
  /** Of poses and noise. */
  readonly seed: number;
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

/** One molecule under some rotations through both networks. */
export interface LatentGraph {
  /** Writes before a replay which molecule and which elements of the group, as many as are taken at once. */
  readonly samples: TwirledSamples;
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
  const { molecules, config, precision, models, seed, layers = () => true } = options;
  const { grid, resolution, shift, sigma, elements } = config;
  const samples = new TwirledSamples(
    gpu,
    {
      ...{ molecules, grid, channels: elements.length, resolution, shift, sigma, twirl: chunk, seed, precision },
      streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    },
    chunk,
    owned,
  );
  const { graph } = samples;
  const rotated = samples.rotated(samples.chunks[0]!);
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
  return { samples, maps, bytes };
}
