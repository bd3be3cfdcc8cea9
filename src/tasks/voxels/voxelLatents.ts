import { requireGpu, requireObject, requireWhole } from "../../check.ts";
import { FeatureTally } from "../../analysis/featureTally.ts";
import { latentResult, type LatentMeasurer } from "../../analysis/latents.ts";
import { octahedral } from "../../equivariance/groups.ts";
import { OCTAHEDRAL_ORDER, octahedralMatrices } from "../../equivariance/octahedral.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Precision } from "../../graph/graph.ts";
import { ParameterStore } from "../../graph/parameters.ts";
import { Plan } from "../../graph/plan.ts";
import { initialise } from "../../models/initialise.ts";
import { unet3d } from "../../models/unet3d.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { Turns } from "../turns.ts";
import { latentGraph, type LatentGraph, type LatentGraphOptions } from "./latentGraph.ts";
import { unetConfig } from "./voxelConfig.ts";
import { VoxelDenoiser } from "./voxelDenoiser.ts";

/** The kept maps of a chunk of rotations take no more than this, but for a single rotation's. */
const MAP_BYTES = 256 * 2 ** 20;

/** Whose hidden maps are compared, and on what. */
export interface VoxelLatentOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Molecules: `voxels.open(...).heldout`, or `packed` of `voxels.pack(...)`. */
  readonly data: PackedMolecules;
  /** Poses and noise follow from it and the molecule's place; the run's by default, as in its evaluations. */
  readonly seed?: number;
  /** How activations are stored; as in the run by default. */
  readonly precision?: Precision;
  /** Which layers, by their names in `ForwardOptions.feature`; all by default. */
  readonly layers?: ((name: string) => boolean) | undefined;
}

/**
 * Measures how alike the hidden maps of a denoiser stay under the 24 rotations of the cube, beside those of the same
 * network at its initial weights. Molecules are posed and noised as in the evaluations of a run with this seed.
 *
 * On the GPU the maps of some rotations are kept at once: of as many as fit in 256 MiB, but of one at least. The host
 * holds one layer's maps of those, and the un-rotated maps of two molecules, in both networks; `layers` makes it less.
 *
 * @throws VoxtwirlError as `VoxelDenoiser.load`; "no-data" without molecules or layers; "too-large" or "out-of-memory"
 *   where not even one rotation at a time fits
 */
export async function voxelLatents(gpu: Gpu, options: VoxelLatentOptions): Promise<LatentMeasurer> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { model, data, layers } = options;
  requireObject("data", data, "Give packed molecules: voxels.open(molecules, config).heldout.");
  if (data.count < 1) throw new VoxtwirlError("no-data", "there is no molecule", "Give at least one.");
  const denoiser = await VoxelDenoiser.load(gpu, model, options);
  const { config, precision } = denoiser;
  const { seed = config.seed } = options;
  const network = unetConfig(config);
  const parameters = unetParameters(network);
  let initial: ParameterStore | undefined;
  try {
    const store = new ParameterStore(gpu, parameters, ["weights"]);
    initial = store;
    initialise(store, parameters, config.seed);
    const models: LatentGraphOptions["models"] = {
      trained: (graph, x, feature) => denoiser.forward(graph, x, feature),
      initial: (graph, x, feature) =>
        unet3d(graph, network, x, { parameter: store.bind(graph, { constants: "weights" }), feature }),
    };
    const built = await create(gpu, { molecules: data, config, precision, seed, models, layers });
    return measurer(data.count, built, () => {
      built.free();
      store.destroy();
      denoiser.destroy();
    });
  } catch (error) {
    initial?.destroy();
    denoiser.destroy();
    throw error;
  }
}

interface Built extends LatentGraph {
  readonly plan: Plan;
  readonly chunk: number;
  /** Frees the plan and its buffers. */
  readonly free: () => void;
}

/** With as many rotations at once as fit, of the GPU and of `MAP_BYTES`; a whole number of times they are the group. */
function create(gpu: Gpu, options: LatentGraphOptions): Promise<Built> {
  return asManyAsFit(gpu, OCTAHEDRAL_ORDER, async (chunk, { owned }) => {
    const built = latentGraph(gpu, options, chunk, owned);
    if (built.maps.length === 0) {
      throw new VoxtwirlError("no-data", "no layer is chosen", "Choose some, such as down.0 and middle.res1.");
    }
    if (chunk > 1 && built.bytes > MAP_BYTES) {
      throw new VoxtwirlError("too-large", `the maps of ${chunk} rotations are many`, "Take fewer at once.");
    }
    const plan = await Plan.create(gpu, built.samples.graph, { label: "latents" });
    const free = () => {
      plan.destroy();
      for (const { buffer } of owned) gpu.destroyBuffer(buffer);
    };
    return { ...built, plan, chunk, free };
  });
}

function measurer(molecules: number, built: Built, destroy: () => void): LatentMeasurer {
  const { plan, chunk, maps, samples } = built;
  const layers = maps.map(({ name, size, channels }) => ({
    ...{ name, channels },
    how: { kind: "grid", size, channels } as const,
  }));
  const tally = () => new FeatureTally({ layers, group: octahedral(), rotations: octahedralMatrices });
  const tallies = { trained: tally(), initial: tally() };
  const nets = ["trained", "initial"] as const;
  const turns = new Turns();
  const add = async (index: number, signal?: AbortSignal) => {
    for (const net of nets) tallies[net].begin();
    for (let first = 0; first < OCTAHEDRAL_ORDER; first += chunk) {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start it again.");
      samples.prepare(
        index,
        Uint32Array.from({ length: chunk }, (_, i) => first + i),
      );
      plan.run();
      for (const [layer, map] of maps.entries()) {
        for (const net of nets) {
          const [values] = (await plan.read(map[net])) as [Float32Array];
          const size = values.length / chunk;
          for (let i = 0; i < chunk; i++) {
            tallies[net].add(layer, first + i, values.subarray(i * size, (i + 1) * size));
          }
        }
      }
    }
    for (const net of nets) tallies[net].end();
  };
  return {
    add: (index, signal) =>
      turns.take(() => {
        requireWhole("index", index, 0, molecules - 1);
        return add(index, signal);
      }),
    result: () => latentResult(maps, octahedralMatrices, tallies),
    destroy,
  };
}
