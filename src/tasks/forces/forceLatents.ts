import { throwIfAborted } from "../../analysis/abort.ts";
import { FeatureTally } from "../../analysis/featureTally.ts";
import { latentResult, type LatentMeasurer } from "../../analysis/latents.ts";
import { requireGpu, requireObject, requireWhole } from "../../check.ts";
import { octahedral } from "../../equivariance/groups.ts";
import { OCTAHEDRAL_ORDER, octahedralMatrices } from "../../equivariance/octahedral.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import { ParameterStore } from "../../graph/parameters.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import { escaipParameters } from "../../models/escaipLayout.ts";
import { initialise } from "../../models/initialise.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { Turns } from "../turns.ts";
import { ForceField } from "./forceField.ts";
import { ForcePass } from "./forcePass.ts";
import type { PackedStructures } from "./packStructures.ts";

/** Whose hidden features are compared, and on what. */
export interface ForceLatentOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Structures: `forces.open(...).heldout`, or `packed` of `forces.pack(...)`. */
  readonly data: PackedStructures;
  /** How activations are stored; as in the run by default. */
  readonly precision?: Precision;
  /** Which layers, by their names in `EscaipOptions.feature`; all by default. */
  readonly layers?: ((name: string) => boolean) | undefined;
}

/**
 * Measures how alike the hidden features of a force field stay under the 24 rotations of the cube, beside those of the
 * same network at its initial weights. They are invariant by construction: whatever is not 1 is rounding. Free slots
 * for neighbours and places for atoms that a structure has not do not count.
 *
 * @throws VoxtwirlError as `ForceField.load`; "no-data" without structures or layers; "too-large" or "out-of-memory"
 *   where not even one rotation at a time fits
 */
export async function forceLatents(gpu: Gpu, options: ForceLatentOptions): Promise<LatentMeasurer> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { data } = options;
  requireObject("data", data, "Give packed structures: forces.open(frames, config).heldout.");
  if (data.count < 1) throw new VoxtwirlError("no-data", "there is no structure", "Give at least one.");
  const model = await ForceField.load(gpu, options.model, options);
  const made: { destroy(): void }[] = [model];
  const destroy = () => {
    for (const one of [...made].reverse()) one.destroy();
  };
  try {
    const parameters = escaipParameters(model.config);
    const initial = new ParameterStore(gpu, parameters, ["weights"]);
    made.push(initial);
    initialise(initial, parameters, model.config.seed);
    const passOf = async (bind: (graph: Graph) => ParameterOf) => {
      const found = await featurePass(gpu, model, options, bind);
      made.push(found.pass);
      return found;
    };
    const trained = await passOf((graph) => model.parameters(graph));
    const untrained = await passOf((graph) => initial.bind(graph, { constants: "weights" }));
    return measurer(data, { trained, initial: untrained }, destroy);
  } catch (error) {
    destroy();
    throw error;
  }
}

/** What the names of the weights behind a hidden feature begin with. */
export function moduleOf(feature: string): string {
  const block = /^block(\d+)/.exec(feature)?.[1];
  if (block !== undefined) return `backbone.transformer_blocks.${block}`;
  return feature.startsWith("input") ? "backbone.input_block" : "backbone.output_projection";
}

const NETS = ["trained", "initial"] as const;

/** A forward pass whose hidden features are kept. */
interface FeaturePass {
  readonly pass: ForcePass;
  /** Each [copies * places, hidden] of nodes, or [copies * places, slots, hidden] of edges. */
  readonly features: readonly (readonly [name: string, tensor: Tensor])[];
}

function featurePass(
  gpu: Gpu,
  { config, precision }: ForceField,
  { data: structures, layers = () => true }: ForceLatentOptions,
  parameters: (graph: Graph) => ParameterOf,
): Promise<FeaturePass> {
  return asManyAsFit(gpu, OCTAHEDRAL_ORDER, async (copies) => {
    const features: (readonly [string, Tensor])[] = [];
    const pass = await ForcePass.create(gpu, {
      ...{ config, precision, structures, copies, parameters },
      feature: (graph, name, tensor) => {
        if (layers(name)) features.push([name, graph.keep(tensor)]);
      },
    });
    if (features.length > 0) return { pass, features };
    pass.destroy();
    throw new VoxtwirlError("no-data", "no layer is chosen", "Choose some, such as input.node and block0.edge.");
  });
}

function measurer(
  data: PackedStructures,
  nets: Readonly<Record<(typeof NETS)[number], FeaturePass>>,
  destroy: () => void,
): LatentMeasurer {
  const layers = nets.trained.features.map(([name, { shape }]) => {
    return { name, size: null, channels: shape.at(-1)!, how: { kind: "scalars" } as const };
  });
  const tally = () => new FeatureTally({ layers, group: octahedral(), rotations: octahedralMatrices });
  const tallies = { trained: tally(), initial: tally() };
  const turns = new Turns();
  const addTo = async (net: keyof typeof nets, index: number, signal?: AbortSignal) => {
    const { pass, features } = nets[net];
    const posed = octahedralMatrices.map((rotation) => ({ index, rotation }));
    const atoms = data.offsets[index + 1]! - data.offsets[index]!;
    for (let first = 0; first < posed.length; first += pass.copies) {
      throwIfAborted(signal);
      const part = posed.slice(first, first + pass.copies);
      await pass.predict(part);
      const inUse = await pass.slotsInUse();
      for (const [layer, [, tensor]] of features.entries()) {
        const [values] = (await pass.plan.read(tensor)) as [Float32Array];
        for (let i = 0; i < part.length; i++) {
          const own = { row: i * data.places, atoms, shape: tensor.shape, inUse };
          tallies[net].add(layer, first + i, featuresOf(values, own));
        }
      }
    }
  };
  return {
    add: (index, signal) =>
      turns.take(async () => {
        requireWhole("index", index, 0, data.count - 1);
        for (const net of NETS) tallies[net].begin();
        for (const net of NETS) await addTo(net, index, signal);
        for (const net of NETS) tallies[net].end();
      }),
    result: () => latentResult(layers, octahedralMatrices, tallies),
    destroy,
  };
}

/** Features of the atoms, or of the edges that there are, of a structure whose first atom is at a row. */
function featuresOf(
  values: Float32Array,
  of: {
    readonly row: number;
    readonly atoms: number;
    readonly shape: readonly number[];
    readonly inUse: Uint32Array;
  },
): Float32Array {
  const { row, atoms, shape, inUse } = of;
  const hidden = shape.at(-1)!;
  if (shape.length === 2) return values.subarray(row * hidden, (row + atoms) * hidden);
  const slots = shape[1]!;
  const counts = inUse.subarray(row, row + atoms);
  const own = new Float32Array(hidden * counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  counts.forEach((count, i) => {
    const from = (row + i) * slots * hidden;
    own.set(values.subarray(from, from + count * hidden), at);
    at += count * hidden;
  });
  return own;
}
