import { requireObject, requirePositive, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { MAX_SLOTS } from "../graph/operations.ts";
import type { WeightKind } from "./layouts.ts";
import type { ModelParameter } from "./parameter.ts";

/** EScAIP as numbers (arXiv 2410.24169; the version of its code for that paper). */
export interface EscaipConfig {
  /** Numbers of a node and of an edge in the streams: a multiple of 4 times the heads, and of 64 / 4 or more. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Numbers that an element becomes. */
  readonly atomEmbedding: number;
  /** Gaussians of a distance, and the numbers that they become. */
  readonly gaussians: number;
  readonly distanceEmbedding: number;
  /** Numbers that the invariants of an atom's surroundings become. */
  readonly directionEmbedding: number;
  /** Largest distance of a neighbour, in Angstrom. */
  readonly cutoff: number;
  /** Most neighbours of an atom. */
  readonly neighbours: number;
  /** Width of the feed-forward nets in hidden sizes. */
  readonly multiplier: number;
  /** Rate of the dropout of layers in training, in [0, 1); 0 by default. */
  readonly dropout?: number;
  /** The same of attention's probabilities. */
  readonly attentionDropout?: number;
}

/** Rows of the tables of elements: row Z is element Z's. */
export const ELEMENT_ROWS = 110;

/** Invariants of an atom's surroundings: degrees 0 to 9 of the spherical harmonics. */
export const BOND_ORDERS = 10;

/** Rows of an edge's first linear layer that belong to the distance, the neighbour and the centre: from, to before. */
export function edgeRows({ distanceEmbedding: b, directionEmbedding: d, atomEmbedding: a }: EscaipConfig) {
  const neighbour = b + d;
  const centre = neighbour + a;
  return {
    distance: [0, b],
    neighbourDirection: [b, neighbour],
    neighbourElement: [neighbour, centre],
    centreDirection: [centre, centre + d],
    centreElement: [centre + d, centre + d + a],
  } as const;
}

/** The modules that have tables and layers of the edges' inputs: the input layer and each block's attention. */
export const INPUT_LAYER = "backbone.input_block.input_layer";
export const attentionName = (block: number): string => `backbone.transformer_blocks.${block}.graph_attention`;

/**
 * All parameters under the names of the reference's state dict, with their initial values: Xavier uniform (Glorot and
 * Bengio 2010), biases 0, tables uniform in +-0.001, norms 1, the energy head's matrices a hundredth.
 *
 * @throws VoxtwirlError "bad-config" naming the field that does not fit
 */
export function escaipParameters(config: EscaipConfig): ModelParameter[] {
  checkConfig(config);
  const { hidden, layers, atomEmbedding, gaussians, distanceEmbedding, directionEmbedding, multiplier } = config;
  const parameters: ModelParameter[] = [];
  const add = (name: string, kind: WeightKind, shape: number[], init: ModelParameter["init"]) => {
    // The reference's rule goes by names: tables, first layers of the inputs, and biases.
    const decayed = !/embedding|bias/.test(name);
    parameters.push({ name, kind, shape, trained: true, init, ...(decayed ? {} : { decayed }) });
  };
  const xavier = (from: number, to: number, gain = 1) => ({ bound: gain * Math.sqrt(6 / (from + to)) });
  const weight = (name: string, from: number, to: number, gain = 1) =>
    add(`${name}.weight`, "linear", [from, to], xavier(from, to, gain));
  const bias = (name: string, to: number) => add(name, "vector", [to], { constant: 0 });
  const linear = (name: string, from: number, to: number, gain = 1) => {
    weight(name, from, to, gain);
    bias(`${name}.bias`, to);
  };
  const norm = (name: string, columns: number) => add(`${name}.weight`, "vector", [columns], { constant: 1 });
  const feedForward = (name: string, wide: number, gain = 1) => {
    linear(`${name}.0.0`, hidden, wide * hidden, gain);
    linear(`${name}.1.0`, wide * hidden, hidden, gain);
  };
  const edgeInputs = (name: string) => {
    const table = { bound: 0.001 };
    add(`${name}.source_atomic_embedding.weight`, "table", [ELEMENT_ROWS, atomEmbedding], table);
    add(`${name}.target_atomic_embedding.weight`, "table", [ELEMENT_ROWS, atomEmbedding], table);
    linear(`${name}.source_direction_embedding.0`, BOND_ORDERS, directionEmbedding);
    linear(`${name}.target_direction_embedding.0`, BOND_ORDERS, directionEmbedding);
    linear(`${name}.edge_distance_embedding.0`, gaussians, distanceEmbedding);
    linear(`${name}.edge_linear.0`, edgeRows(config).centreElement[1], hidden);
  };

  edgeInputs(INPUT_LAYER);
  feedForward(`${INPUT_LAYER}.edge_ffn`, 1);
  norm(`${INPUT_LAYER}.norm`, hidden);
  norm("backbone.input_block.norm.node_norm", hidden);
  norm("backbone.input_block.norm.edge_norm", hidden);
  for (let block = 0; block < layers; block++) {
    const attention = attentionName(block);
    const name = `backbone.transformer_blocks.${block}`;
    add(`${attention}.attn_scalar`, "scalar", [1], { constant: 1 });
    edgeInputs(attention);
    linear(`${attention}.node_linear.0`, 2 * hidden, hidden);
    linear(`${attention}.message_linear.0`, 2 * hidden, hidden);
    // Of queries, keys and values at once.
    const mixing = `${attention}.multi_head_attention`;
    add(`${mixing}.in_proj_weight`, "linear", [hidden, 3 * hidden], xavier(hidden, 3 * hidden));
    bias(`${mixing}.in_proj_bias`, 3 * hidden);
    linear(`${mixing}.out_proj`, hidden, hidden);
    feedForward(`${name}.feedforward.mlp_node`, multiplier);
    feedForward(`${name}.feedforward.mlp_edge`, multiplier);
    norm(`${name}.norm_attn`, hidden);
    norm(`${name}.norm_ffn.node_norm`, hidden);
    norm(`${name}.norm_ffn.edge_norm`, hidden);
  }
  for (let layer = 0; layer <= layers; layer++) {
    for (const stream of ["energy", "force"]) {
      feedForward(`backbone.readout_layers.${layer}.${stream}_ffn`, multiplier);
      norm(`backbone.readout_layers.${layer}.${stream}_norm`, hidden);
    }
  }
  const all = (layers + 1) * hidden;
  for (const stream of ["node", "edge"]) linear(`backbone.output_projection.${stream}_projection.0`, all, hidden);
  for (const stream of ["node", "edge"]) norm(`backbone.output_projection.readout_norm.${stream}_norm`, all);
  for (const stream of ["node", "edge"]) norm(`backbone.output_projection.output_norm.${stream}_norm`, hidden);
  for (const { name, outputs, gain } of HEADS) {
    feedForward(`${name}.ffn`, multiplier, gain);
    weight(`${name}.final_output.0`, hidden, outputs, gain);
  }
  return parameters;
}

/** The heads: what they give for each node or edge, and the gain of their first matrices. */
export const HEADS = [
  { name: "output_heads.energy.energy_layer", outputs: 1, gain: 0.01 },
  { name: "output_heads.forces.force_direction_layer", outputs: 3, gain: 1 },
  { name: "output_heads.forces.force_magnitude_layer", outputs: 1, gain: 1 },
] as const;

function requireRate(name: string, rate = 0): void {
  if (rate >= 0 && rate < 1) return;
  throw new VoxtwirlError("bad-config", `${name} is ${rate}`, "Give a rate in [0, 1), or leave it out.");
}

function checkConfig(config: EscaipConfig): void {
  requireObject("config", config, "Give a network's configuration: escaipConfig(forces.presets.small).");
  const { hidden, heads, cutoff, neighbours } = config;
  const sizes = ["layers", "atomEmbedding", "distanceEmbedding", "directionEmbedding", "multiplier"] as const;
  for (const name of sizes) requireWhole(name, config[name], 1, 4096);
  requireWhole("hidden", hidden, 1, 4096);
  requireWhole("heads", heads, 1, 1024);
  requireWhole("gaussians", config.gaussians, 2, 65_536);
  requireWhole("neighbours", neighbours, 1, MAX_SLOTS);
  requirePositive("cutoff", cutoff);
  requireRate("dropout", config.dropout);
  requireRate("attentionDropout", config.attentionDropout);
  if (hidden % (4 * heads) === 0) return;
  const what = `a hidden size of ${hidden} in ${heads} heads`;
  throw new VoxtwirlError("bad-config", what, "Give a hidden size that is a multiple of four times the heads.");
}
