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
import { flowNetParameters } from "../../models/flowNetLayout.ts";
import { initialise } from "../../models/initialise.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { Turns } from "../turns.ts";
import { chainSide } from "./chainSide.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { FlowModel } from "./flowModel.ts";
import { FlowPass } from "./flowPass.ts";
import { lateSample } from "./flowSamples.ts";
import type { PackedBackbones } from "./packFlow.ts";

/** Whose hidden features are compared, and on what. */
export interface FlowLatentOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Chains: `flow.open(...).heldout`, or `packed` of `flow.pack(...)`. */
  readonly data: PackedBackbones;
  /** Crops, poses, times and noise follow from it and the chain's place; the run's by default. */
  readonly seed?: number;
  /** How activations are stored; as in the run by default. */
  readonly precision?: Precision;
  /** Which layers, by their names in `FlowNetOptions.feature`; all by default. */
  readonly layers?: ((name: string) => boolean) | undefined;
}

/**
 * Measures how alike the hidden features of a flow-matching model stay under the 24 rotations of the cube, beside those
 * of the same network at its initial weights. Of each chain it takes the sample of the last quarter of the time, where
 * most of training's times are, without a self-condition.
 *
 * Conditioning and pairs are invariant by construction: what is not 1 of theirs is rounding at a bin's limit. Tokens
 * are not, as they begin with coordinates. Of tokens the residues count, of pairs those of two residues.
 *
 * @throws VoxtwirlError as `FlowModel.load`; "no-data" without chains or layers; "too-large" or "out-of-memory" where
 *   not even one rotation at a time fits
 */
export async function flowLatents(gpu: Gpu, options: FlowLatentOptions): Promise<LatentMeasurer> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { data } = options;
  requireObject("data", data, "Give packed chains: flow.open(chains, config).heldout.");
  if (data.count < 1) throw new VoxtwirlError("no-data", "there is no chain", "Give at least one.");
  const model = await FlowModel.load(gpu, options.model, options);
  const made: { destroy(): void }[] = [model];
  const destroy = () => {
    for (const one of [...made].reverse()) one.destroy();
  };
  try {
    const { config } = model;
    const parameters = flowNetParameters(config);
    const initial = new ParameterStore(gpu, parameters, ["weights"]);
    made.push(initial);
    initialise(initial, parameters, config.seed);
    const passOf = async (bind: (graph: Graph) => ParameterOf) => {
      const found = await featurePass(gpu, model, options, bind);
      made.push(found.pass);
      return found;
    };
    const trained = await passOf((graph) => model.parameters(graph));
    const untrained = await passOf((graph) => initial.bind(graph, { constants: "weights" }));
    const samples = { data, config, seed: options.seed ?? config.seed };
    return measurer(samples, { trained, initial: untrained }, destroy);
  } catch (error) {
    destroy();
    throw error;
  }
}

/** What the names of the weights behind a hidden feature begin with. */
export function moduleOf(feature: string): string {
  const [, layer, part] = /^layer(\d+)(\.attention)?$/.exec(feature) ?? [];
  if (layer !== undefined) return `layers.${layer}.${part ? "attn" : "mlp"}`;
  return { cond: "cond", pairInput: "pair.input", pair: "pair" }[feature] ?? "token";
}

const NETS = ["trained", "initial"] as const;

/** A forward pass whose hidden features are kept. Each copy is a chain of its own, with its own pairs. */
interface FeaturePass {
  readonly pass: FlowPass;
  /** See `FlowNetOptions.feature`. */
  readonly features: readonly (readonly [name: string, tensor: Tensor])[];
}

function featurePass(
  gpu: Gpu,
  { config, precision }: FlowModel,
  { layers = () => true }: FlowLatentOptions,
  parameters: (graph: Graph) => ParameterOf,
): Promise<FeaturePass> {
  return asManyAsFit(gpu, OCTAHEDRAL_ORDER, async (chains) => {
    const features: (readonly [string, Tensor])[] = [];
    const pass = await FlowPass.create(gpu, {
      ...{ config, precision, parameters, chains, copies: 1, places: config.crop },
      feature: (graph, name, tensor) => {
        if (layers(name)) features.push([name, graph.keep(tensor)]);
      },
    });
    if (features.length > 0) return { pass, features };
    pass.destroy();
    throw new VoxtwirlError("no-data", "no layer is chosen", "Choose some, such as pair, embedding and layer0.");
  });
}

function measurer(
  { data, config, seed }: { readonly data: PackedBackbones; readonly config: FlowConfig; readonly seed: number },
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
    const sample = lateSample(data, config, seed, index);
    for (let first = 0; first < OCTAHEDRAL_ORDER; first += pass.chains) {
      throwIfAborted(signal);
      const part = octahedralMatrices.slice(first, first + pass.chains);
      await pass.predict(part.map((rotation) => ({ sample, rotations: [rotation] })));
      for (const [layer, [, tensor]] of features.entries()) {
        const [values] = (await pass.plan.read(tensor)) as [Float32Array];
        for (let i = 0; i < part.length; i++) {
          const own = { chain: i, shape: tensor.shape, side: chainSide(config, config.crop), ...config, ...sample };
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

/** Features of a chain, [b + 1, C]; or of its residues, [b, S, C]; or of its pairs of residues, [b, S^2, C]. */
function featuresOf(
  values: Float32Array,
  of: {
    readonly chain: number;
    readonly shape: readonly number[];
    /** Tokens of a chain, S: the registers, then residues, then padding. */
    readonly side: number;
    readonly registers: number;
    readonly residues: number;
  },
): Float32Array {
  const { chain, shape, side, registers, residues } = of;
  const channels = shape.at(-1)!;
  const rows = (first: number, count: number) => values.subarray(first * channels, (first + count) * channels);
  if (shape.length === 2) return rows(chain, 1);
  const token = chain * side + registers;
  if (shape[1] === side) return rows(token, residues);
  const own = new Float32Array(residues * residues * channels);
  for (let i = 0; i < residues; i++) {
    own.set(rows((token + i) * side + registers, residues), i * residues * channels);
  }
  return own;
}
