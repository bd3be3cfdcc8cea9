import { requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { PAIR_TABLE_ROWS } from "../graph/operations.ts";
import type { WeightKind } from "./layouts.ts";
import type { ModelParameter } from "./parameter.ts";

/** A C-alpha flow-matching transformer as numbers (after Proteina, arXiv 2503.00710). */
export interface FlowNetConfig {
  /** Numbers of a token, a multiple of the heads. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Numbers that the conditioning, what the net is told of the time, becomes. */
  readonly conditioning: number;
  /** Numbers of a pair of residues. */
  readonly pair: number;
  /** Of the sinusoidal embedding of the time: even, 4 at least. */
  readonly timeEmbedding: number;
  /** Of that of a residue's place in the chain: even. */
  readonly indexEmbedding: number;
  /** Learned tokens in front of the residues. */
  readonly registers: number;
}

/** The numbers of a coordinate. */
const AXES = 3;

/** Numbers of a token that need no coordinates: its place's embedding, and whether the chain breaks behind it. */
export const placeNumbers = ({ indexEmbedding }: FlowNetConfig): number => indexEmbedding + 1;

/**
 * All parameters with their initial values: matrices and biases uniform in +-1 / sqrt(inputs), norms 1 and 0, registers
 * normal with deviation 1/20, the gates of residual connections sigmoid(-2) whatever the time.
 *
 * @throws VoxtwirlError "bad-config" naming the field that does not fit
 */
export function flowNetParameters(config: FlowNetConfig): ModelParameter[] {
  checkConfig(config);
  const { hidden, layers, conditioning, pair, timeEmbedding } = config;
  const parameters: ModelParameter[] = [];
  const add = (name: string, kind: WeightKind, shape: number[], init: ModelParameter["init"]) =>
    // Attention does not depend on the biases of pairs: they are there for checkpoints.
    parameters.push({ name, kind, shape, trained: !name.endsWith("pairNorm.bias"), init });
  const weight = (name: string, from: number, to: number) =>
    add(`${name}.weight`, "linear", [from, to], { bound: 1 / Math.sqrt(from) });
  const linear = (name: string, from: number, to: number) => {
    weight(name, from, to);
    add(`${name}.bias`, "vector", [to], { bound: 1 / Math.sqrt(from) });
  };
  const norm = (name: string, columns: number) => {
    add(`${name}.gain`, "vector", [columns], { constant: 1 });
    add(`${name}.bias`, "vector", [columns], { constant: 0 });
  };
  const swiglu = (name: string, columns: number, inner: number) => {
    weight(`${name}.up`, columns, 2 * inner);
    weight(`${name}.down`, inner, columns);
  };
  const ada = (name: string, columns: number) => {
    norm(`${name}.condNorm`, conditioning);
    linear(`${name}.scale`, conditioning, columns);
    weight(`${name}.shift`, conditioning, columns);
  };
  const outGate = (name: string) => {
    add(`${name}.outGate.weight`, "linear", [conditioning, hidden], { constant: 0 });
    add(`${name}.outGate.bias`, "vector", [hidden], { constant: -2 });
  };

  add("registers", "table", [config.registers, hidden], { deviation: 1 / 20 });
  weight("xyz", AXES, hidden);
  weight("token", placeNumbers(config) + AXES, hidden);
  weight("cond.input", timeEmbedding, conditioning);
  add("cond.input.bias", "vector", [conditioning], { constant: 0 });
  for (const mix of ["cond.mix1", "cond.mix2"]) swiglu(mix, conditioning, 2 * conditioning);
  weight("pair.input", PAIR_TABLE_ROWS, pair);
  norm("pair.norm", pair);
  weight("pair.cond", timeEmbedding, conditioning);
  norm("pair.condNorm", conditioning);
  ada("pair.ada", pair);
  for (let layer = 0; layer < layers; layer++) {
    const [attn, mlp] = [`layers.${layer}.attn`, `layers.${layer}.mlp`];
    ada(`${attn}.ada`, hidden);
    norm(`${attn}.norm`, hidden);
    linear(`${attn}.qkv`, hidden, 3 * hidden);
    norm(`${attn}.qNorm`, hidden);
    norm(`${attn}.kNorm`, hidden);
    norm(`${attn}.pairNorm`, pair);
    weight(`${attn}.pairBias`, pair, config.heads);
    linear(`${attn}.gate`, hidden, hidden);
    linear(`${attn}.out`, hidden, hidden);
    outGate(attn);
    ada(`${mlp}.ada`, hidden);
    swiglu(mlp, hidden, 4 * hidden);
    outGate(mlp);
  }
  norm("head.norm", hidden);
  weight("head.out", hidden, AXES);
  return parameters;
}

function checkConfig(config: FlowNetConfig): void {
  requireObject("config", config, "Give a network's configuration: { hidden, layers, heads, ... }.");
  const sizes = ["hidden", "layers", "heads", "conditioning", "pair", "registers"] as const;
  for (const name of sizes) requireWhole(name, config[name], 1, 4096);
  requireWhole("timeEmbedding", config.timeEmbedding, 4, 4096);
  requireWhole("indexEmbedding", config.indexEmbedding, 2, 4096);
  const { hidden, heads, timeEmbedding, indexEmbedding } = config;
  if (timeEmbedding % 2 !== 0 || indexEmbedding % 2 !== 0) {
    const what = `embeddings of ${timeEmbedding} and ${indexEmbedding} numbers`;
    throw new VoxtwirlError("bad-config", what, "Give even numbers: half are sines, half cosines.");
  }
  if (hidden % heads === 0) return;
  const what = `a hidden size of ${hidden} in ${heads} heads`;
  throw new VoxtwirlError("bad-config", what, "Give a hidden size that is a multiple of the heads.");
}
