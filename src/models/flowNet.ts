import { requireFunction, requireGraph, requireObject } from "../check.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Graph, Precision } from "../graph/graph.ts";
import {
  attention,
  concatChannels,
  embedding,
  endpoint,
  layerNorm,
  linear,
  matmul,
  modulate,
  pairBias,
  pairBins,
  pairEmbedding,
  queryKeyNorm,
  repeat,
  reshape,
  scaleRows,
  swiglu,
  type FlowChains,
} from "../graph/operations.ts";
import type { ParameterOf } from "./escaip.ts";
import { requirePairs } from "./flowInputs.ts";
import { placeNumbers, type FlowNetConfig } from "./flowNetLayout.ts";

/**
 * Chains as the network takes them: b of S tokens each, the registers first, then residues, then padding. Coordinates
 * are in nanometres; those of registers and padding are 0. All but coordinates and times is of `chainArrays`.
 *
 * Coordinates may be those of several copies of each chain, turned or mirrored, one after the other. What depends on
 * distances alone, conditioning, pairs and attention's biases, is then computed once a chain; there are no gradients.
 */
export interface FlowInputs extends FlowChains {
  /** f32 [b copies, S, 3], C-alpha atoms between noise and data. */
  readonly x: Tensor;
  /** Like x, the self-condition: endpoints of a pass before. Left out the net is told that there are none. */
  readonly previous?: Tensor | undefined;
  /** f32 [1]: 0 where `previous` is none, whose coordinates are 0 then: both of `selfCondition`. */
  readonly present?: Tensor | undefined;
  /** f32 [b, S, 3], of each chain one copy, of which the pairs are; needed where there are several. */
  readonly pairX?: Tensor | undefined;
  /** Like pairX, the self-condition of the same copy; needed where there are several, and a self-condition. */
  readonly pairPrevious?: Tensor | undefined;
  /** f32 [b, S], 1 for residues and registers, else 0. */
  readonly tokens: Tensor;
  /** f32 [b + 1], 1 and at last 0. */
  readonly chains: Tensor;
  /** u32 [b, S], a register's number; one of no register for residues and padding. */
  readonly registerRows: Tensor;
  /** f32 [b, S, indexEmbedding + 1], of residues their place's embedding and whether the chain breaks behind them. */
  readonly placeFeatures: Tensor;
  /** f32 [b + 1, timeEmbedding]: `timeFeatures` of the times. */
  readonly timeFeatures: Tensor;
}

/** What the network says. */
export interface FlowOutput {
  /** Like x, of residues the velocities; of other tokens what nobody should read. */
  readonly velocities: Tensor;
  /** Like x, x + (1 - t) velocity; 0 for what is no residue. */
  readonly endpoints: Tensor;
}

/** How a pass over the network gets its parameters. */
export interface FlowNetOptions {
  /** The prefix of all labels; default "flow". */
  label?: string;
  parameter: ParameterOf;
  /**
   * Called with what flows through the net as it is appended: `cond` [b + 1, C], `pairInput` and `pair` [b, S^2, P],
   * `embedding`, `layer0.attention`, `layer0`, ... [b copies, S, D]. To read one after a replay, `graph.keep` it here.
   */
  feature?: (name: string, tensor: Tensor) => void;
}

/**
 * A C-alpha flow-matching transformer with pair-biased attention, after Proteina (arXiv 2503.00710), without fold
 * classes and pair updates. Nothing in it is symmetric under rotations by construction, but conditioning, pairs and
 * attention's biases, which depend on distances alone.
 *
 * @throws VoxtwirlError "bad-shape"; "unsupported" for gradients through several copies of a chain
 */
export function flowNet(graph: Graph, config: FlowNetConfig, inputs: FlowInputs, options: FlowNetOptions): FlowOutput {
  requireGraph("graph", graph);
  requireObject("inputs", inputs, "Give { x, residues, times, ... }: see FlowInputs.");
  requireObject("options", options, "Give { parameter }: see ParameterStore.bind.");
  requireFunction("parameter", options.parameter, "Give a function of a parameter's name: store.bind(graph, ...).");
  requirePairs(inputs);
  return new Pass(graph, config, inputs, options).run();
}

class Pass {
  readonly #graph: Graph;
  readonly #config: FlowNetConfig;
  readonly #inputs: FlowInputs;
  readonly #options: FlowNetOptions;

  constructor(graph: Graph, config: FlowNetConfig, inputs: FlowInputs, options: FlowNetOptions) {
    this.#graph = graph;
    this.#config = config;
    this.#inputs = inputs;
    this.#options = options;
  }

  run(): FlowOutput {
    const cond = this.#feature("cond", this.#conditioning());
    // A norm without weights of what all layers share; a layer's own are taken into its matrix.
    const pairs = this.#feature("pair", this.#pairs());
    const pair = layerNorm(this.#graph, { label: this.#path("pair.normal"), x: pairs });
    let x = this.#feature("embedding", this.#embedding());
    for (let layer = 0; layer < this.#config.layers; layer++) {
      x = this.#feature(`layer${layer}.attention`, this.#attention(`layers.${layer}.attn`, x, cond, pair));
      x = this.#feature(`layer${layer}`, this.#feedForward(`layers.${layer}.mlp`, x, cond));
    }
    const velocities = this.#linear("head.out", this.#norm("head.norm", x), { bias: false, dtype: "f32" });
    const { x: from, residues, times } = this.#inputs;
    const label = this.#path("endpoints");
    return { velocities, endpoints: endpoint(this.#graph, { label, x: from, velocity: velocities, residues, times }) };
  }

  /** A row a chain, the last, of registers, is 0. */
  #conditioning(): Tensor {
    let c = this.#linear("cond.input", this.#inputs.timeFeatures);
    for (const mix of ["cond.mix1", "cond.mix2"]) c = this.#swiglu(mix, c);
    const mask = this.#graph.alias(this.#inputs.chains, [1, c.shape[0]!]);
    const x = reshape(this.#graph, c, [1, ...c.shape]);
    return reshape(this.#graph, modulate(this.#graph, { label: this.#path("cond.chains"), x, mask }), c.shape);
  }

  /** Nothing updates them: they are the same for all layers. */
  #pairs(): Tensor {
    const { previous, present, residues } = this.#inputs;
    const { pairX: x = this.#inputs.x, pairPrevious = previous } = this.#inputs;
    const label = this.#path("pair.bins");
    const bins = pairBins(this.#graph, { label, x, previous: previous && pairPrevious, present, residues });
    const table = this.#options.parameter("pair.input.weight");
    const input = pairEmbedding(this.#graph, { label: this.#path("pair.input"), bins, table });
    this.#feature("pairInput", input);
    const time = this.#linear("pair.cond", this.#inputs.timeFeatures, { bias: false });
    const cond = this.#norm("pair.condNorm", time);
    return this.#ada("pair.ada", this.#norm("pair.norm", input), cond, { registers: 0, mask: residues });
  }

  #embedding(): Tensor {
    const { x, previous, registerRows, placeFeatures } = this.#inputs;
    const label = this.#path("registers");
    const table = this.#options.parameter("registers");
    const registers = embedding(this.#graph, { label, indices: registerRows, table });
    const addend = this.#copied(
      "registers",
      reshape(this.#graph, registers, [...registerRows.shape, this.#config.hidden]),
    );
    const placed = this.#linear("xyz", x, { bias: false, addend });
    const places = this.#copied("places", placeFeatures);
    // Coordinates that are not there are zeros: without them their rows of the matrix have nothing to do.
    const token = previous
      ? { x: concatChannels(this.#graph, { label: this.#path("token.input"), a: places, b: previous }) }
      : { x: places, rows: [0, placeNumbers(this.#config)] as const };
    return this.#linear("token", token.x, { bias: false, addend: placed, rows: token.rows });
  }

  /** What is of chains, for all copies of each. */
  #copied(name: string, x: Tensor): Tensor {
    const copies = this.#inputs.x.shape[0]! / x.shape[0]!;
    return copies === 1 ? x : repeat(this.#graph, { label: this.#path(`${name}.copies`), x, copies });
  }

  #attention(name: string, x: Tensor, cond: Tensor, pair: Tensor): Tensor {
    const { parameter } = this.#options;
    const { heads, hidden } = this.#config;
    const y = this.#norm(`${name}.norm`, this.#ada(`${name}.ada`, x, cond));
    const qkv = queryKeyNorm(this.#graph, {
      label: this.#path(`${name}.qkNorm`),
      qkv: this.#linear(`${name}.qkv`, y),
      queryWeight: parameter(`${name}.qNorm.gain`),
      queryBias: parameter(`${name}.qNorm.bias`),
      keyWeight: parameter(`${name}.kNorm.gain`),
      keyBias: parameter(`${name}.kNorm.bias`),
    });
    const attended = attention(this.#graph, {
      ...{ label: this.#path(name), qkv, heads, scale: (hidden / heads) ** -0.5 },
      ...{ pairBias: this.#pairBias(name, pair), mask: this.#inputs.tokens },
    });
    const gated = matmul(this.#graph, {
      label: this.#path(`${name}.gate`),
      a: y,
      b: parameter(`${name}.gate.weight`),
      bias: parameter(`${name}.gate.bias`),
      activation: "sigmoid",
      gate: attended,
    });
    return this.#residual(name, x, this.#linear(`${name}.out`, gated), cond);
  }

  /**
   * [b, heads, S, S]. The norm's bias would add one number to all keys' scores, which changes no weight of attention:
   * it is left out, and has no gradient.
   */
  #pairBias(name: string, pair: Tensor): Tensor {
    const { parameter } = this.#options;
    const matrix = scaleRows(this.#graph, {
      label: this.#path(`${name}.pairNorm`),
      x: parameter(`${name}.pairBias.weight`),
      weight: parameter(`${name}.pairNorm.gain`),
    });
    const biases = pairBias(this.#graph, { label: this.#path(`${name}.pairBias`), x: pair, matrix });
    const [chains, side] = this.#inputs.tokens.shape as [number, number];
    return reshape(this.#graph, biases, [chains, this.#config.heads, side, side]);
  }

  #feedForward(name: string, x: Tensor, cond: Tensor): Tensor {
    return this.#residual(name, x, this.#swiglu(name, this.#ada(`${name}.ada`, x, cond)), cond);
  }

  /** x + y sigmoid(gate), the gate from the conditioning. */
  #residual(name: string, residual: Tensor, x: Tensor, cond: Tensor): Tensor {
    const scale = this.#linear(`${name}.outGate`, cond);
    return modulate(this.#graph, { label: this.#path(`${name}.sum`), x, scale, residual, ...this.#tokens });
  }

  /** Adaptive layer norm: what a norm without weights gives, times and plus what the conditioning says. */
  #ada(name: string, x: Tensor, cond: Tensor, of = this.#tokens): Tensor {
    const e = this.#norm(`${name}.condNorm`, cond);
    const scale = this.#linear(`${name}.scale`, e);
    const shift = this.#linear(`${name}.shift`, e, { bias: false });
    const normal = layerNorm(this.#graph, { label: this.#path(`${name}.norm`), x });
    return modulate(this.#graph, { label: this.#path(name), x: normal, scale, shift, ...of });
  }

  get #tokens() {
    return { registers: this.#config.registers, mask: this.#inputs.tokens };
  }

  #swiglu(name: string, x: Tensor): Tensor {
    const inner = this.#linear(`${name}.up`, x, { bias: false });
    const activated = swiglu(this.#graph, { label: this.#path(`${name}.swiglu`), x: inner });
    return this.#linear(`${name}.down`, activated, { bias: false });
  }

  #linear(name: string, x: Tensor, { bias = true, addend, rows, dtype }: LinearOptions = {}): Tensor {
    const { parameter } = this.#options;
    return linear(this.#graph, {
      label: this.#path(name),
      x,
      weight: parameter(`${name}.weight`, rows),
      ...(bias && { bias: parameter(`${name}.bias`) }),
      ...(addend && { addend }),
      ...(dtype && { dtype }),
    });
  }

  #norm(name: string, x: Tensor): Tensor {
    const { parameter } = this.#options;
    const [weight, bias] = [parameter(`${name}.gain`), parameter(`${name}.bias`)];
    return layerNorm(this.#graph, { label: this.#path(name), x, weight, bias });
  }

  #feature(name: string, tensor: Tensor): Tensor {
    this.#options.feature?.(name, tensor);
    return tensor;
  }

  #path(name: string): string {
    return `${this.#options.label ?? "flow"}/${name.replaceAll(".", "/")}`;
  }
}

/** What a linear layer may differ in. */
interface LinearOptions {
  readonly bias?: boolean;
  readonly addend?: Tensor;
  /** Of its weight. */
  readonly rows?: readonly [from: number, to: number] | undefined;
  readonly dtype?: Precision;
}
