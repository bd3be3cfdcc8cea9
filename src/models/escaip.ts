import { requireFunction, requireGraph, requireObject } from "../check.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Graph, Precision } from "../graph/graph.ts";
import {
  add,
  concatChannels,
  edgeForces,
  edgeSum,
  embedding,
  gaussianBasis,
  gelu,
  linear,
  neighbourAttention,
  reshape,
  rmsNorm,
  segmentMean,
  type ReverseList,
} from "../graph/operations.ts";
import { Dropouts, type Masks } from "./dropouts.ts";
import { attentionName, edgeRows, HEADS, INPUT_LAYER, type EscaipConfig } from "./escaipLayout.ts";

/** Structures as the network takes them: B structures of up to n atoms, each atom with M slots for neighbours. */
export interface AtomicGraph {
  /** u32 [B, n], atomic numbers; one of 110 or more for padding. */
  readonly numbers: Tensor;
  /** u32 [B], atoms of each structure. */
  readonly counts: Tensor;
  /** u32 [B, n, M], as `neighbourList` makes them. */
  readonly neighbours: Tensor;
  /** u32 [B, n], slots in use. */
  readonly neighbourCounts: Tensor;
  /** The same edges by their neighbour: `reverseNeighbours`. Only gradients need it. */
  readonly reverse: ReverseList;
  /** f32 [B, n, M, 4], unit vector from the neighbour to the centre, and distance in Angstrom. */
  readonly edges: Tensor;
  /** f32 [B, n, 10], invariants of each atom's surroundings, as `bondOrder` makes them. */
  readonly bondOrders: Tensor;
}

/** What the network says, and what its forces are made of; N = B n. */
export interface EscaipOutput {
  /** f32 [B], the mean over a structure's atoms of what the head gives. */
  readonly energies: Tensor;
  /** f32 [B, n, 3] */
  readonly forces: Tensor;
  /** f32 [N, M, 3], coefficients along x, y and z of each edge's unit vector. */
  readonly coefficients: Tensor;
  /** f32 [N, 1], an atom's factor. */
  readonly magnitudes: Tensor;
}

/** Gives a parameter's tensor by its name, or some of its rows: see `ParameterStore.bind`. */
export type ParameterOf = (name: string, rows?: readonly [from: number, to: number]) => Tensor;

/** How a pass over the network gets its parameters. */
export interface EscaipOptions {
  /** The prefix of all labels; default "escaip". */
  label?: string;
  parameter: ParameterOf;
  /** Dropout is applied only when this is given. */
  dropout?: Masks;
  /**
   * Called with the hidden features as they are appended, [N, hidden] of nodes and [N, M, hidden] of edges:
   * `input.node`, `input.edge`, `block0.message`, `block0.attention`, `block0.node`, `block0.edge` and so on,
   * `final.node`, `final.edge`. All are invariant under rotation. To read one after a replay, `graph.keep` it here.
   */
  feature?: (name: string, tensor: Tensor) => void;
}

/**
 * EScAIP (arXiv 2410.24169) with its heads of energies and direct forces. Products with what neighbours and centres
 * have are made once for each atom instead of once for each edge.
 */
export function escaip(graph: Graph, config: EscaipConfig, atoms: AtomicGraph, options: EscaipOptions): EscaipOutput {
  requireGraph("graph", graph);
  requireObject("atoms", atoms, "Give { numbers, counts, neighbours, ... }: see AtomicGraph.");
  requireObject("options", options, "Give { parameter }: see ParameterStore.bind.");
  requireFunction("parameter", options.parameter, "Give a function of a parameter's name: store.bind(graph, ...).");
  return new Pass(graph, config, atoms, options).run();
}

/** The mean over neighbours divides by their number plus this. */
const NEIGHBOUR_EPS = 1e-5;
/** Standard deviation of a Gaussian in units of their spacing. */
const GAUSSIAN_WIDTH = 2;

interface Streams {
  /** [N, hidden] */
  readonly node: Tensor;
  /** [N, M, hidden] */
  readonly edge: Tensor;
}

class Pass {
  readonly #graph: Graph;
  readonly #config: EscaipConfig;
  readonly #atoms: AtomicGraph;
  readonly #options: EscaipOptions;
  readonly #edges: Tensor;
  readonly #bondOrders: Tensor;
  readonly #gaussians: Tensor;
  readonly #dropouts: Dropouts | undefined;

  constructor(graph: Graph, config: EscaipConfig, atoms: AtomicGraph, options: EscaipOptions) {
    const [structures, places, slots] = atoms.neighbours.shape as [number, number, number];
    this.#graph = graph;
    this.#config = config;
    this.#atoms = atoms;
    this.#options = options;
    const n = structures * places;
    this.#edges = graph.alias(atoms.edges, [n, slots, 4]);
    this.#bondOrders = graph.alias(atoms.bondOrders, [n, atoms.bondOrders.shape[2]!]);
    this.#dropouts = options.dropout && new Dropouts(graph, options.dropout, structures);
    this.#gaussians = gaussianBasis(graph, {
      label: this.#path("gaussians"),
      edges: this.#edges,
      gaussians: config.gaussians,
      cutoff: config.cutoff,
      width: GAUSSIAN_WIDTH,
    });
  }

  run(): EscaipOutput {
    const { layers } = this.#config;
    let streams = this.#input();
    this.#feature("input", streams);
    let read = this.#readout(0, streams);
    for (let block = 0; block < layers; block++) {
      streams = this.#block(block, streams);
      this.#feature(`block${block}`, streams);
      const next = this.#readout(block + 1, streams);
      read = { node: this.#beside(read.node, next.node), edge: this.#beside(read.edge, next.edge) };
    }
    const final = { node: this.#project("node", read.node), edge: this.#project("edge", read.edge) };
    this.#feature("final", final);
    return this.#heads(final);
  }

  #input(): Streams {
    const name = INPUT_LAYER;
    let edge = this.#edgeInputs(name);
    edge = this.#feedForward(`${name}.edge_ffn`, edge, `${name}.norm`);
    const node = this.#mean(`${name}.mean`, edge);
    const norms = "backbone.input_block.norm";
    return { node: this.#norm(`${norms}.node_norm`, node), edge: this.#norm(`${norms}.edge_norm`, edge) };
  }

  #block(block: number, { node, edge }: Streams): Streams {
    const name = `backbone.transformer_blocks.${block}`;
    const mixed = this.#attention(block, this.#norm(`${name}.norm_attn`, node));
    this.#options.feature?.(`block${block}.attention`, mixed);
    const mean = this.#mean(`${attentionName(block)}.mean`, mixed);
    const nodes = this.#add(`${name}.node`, node, mean);
    const edges = this.#add(`${name}.edge`, edge, mixed);
    return {
      node: this.#feedForward(`${name}.feedforward.mlp_node`, nodes, `${name}.norm_ffn.node_norm`),
      edge: this.#feedForward(`${name}.feedforward.mlp_edge`, edges, `${name}.norm_ffn.edge_norm`),
    };
  }

  /** Messages along the edges, mixed among the slots of each atom. */
  #attention(block: number, node: Tensor): Tensor {
    const name = attentionName(block);
    const { hidden, heads } = this.#config;
    const { parameter } = this.#options;
    const both = `${name}.node_linear.0`;
    const fromNodes = this.#activated(
      both,
      this.#edgeSum(both, {
        source: this.#linear(both, node, { rows: [0, hidden], bias: false, part: "neighbour" }),
        target: this.#linear(both, node, { rows: [hidden, 2 * hidden], part: "centre" }),
      }),
    );
    const layer = `${name}.message_linear.0`;
    const own = this.#linear(layer, this.#edgeInputs(name), { rows: [0, hidden], part: "edge" });
    const rows = [hidden, 2 * hidden] as const;
    const message = this.#gelu(layer, this.#linear(layer, fromNodes, { rows, bias: false, addend: own }));
    this.#options.feature?.(`block${block}.message`, message);
    const mixing = `${name}.multi_head_attention`;
    const qkv = linear(this.#graph, {
      label: this.#path(`${mixing}.in_proj`),
      x: message,
      weight: parameter(`${mixing}.in_proj_weight`),
      bias: parameter(`${mixing}.in_proj_bias`),
    });
    const bias = parameter(`${name}.attn_scalar`);
    const rate = this.#config.attentionDropout ?? 0;
    const dropout = this.#dropouts && rate > 0 ? { rate, ...this.#dropouts.next() } : undefined;
    const attended = { label: this.#path(mixing), qkv, edges: this.#edges, bias, heads, dropout };
    return this.#linear(`${mixing}.out_proj`, neighbourAttention(this.#graph, attended));
  }

  /** GELU of a linear layer on [distance | neighbour | centre] of each edge. */
  #edgeInputs(name: string): Tensor {
    const layer = `${name}.edge_linear.0`;
    const rows = edgeRows(this.#config);
    const distance = this.#embedded(`${name}.edge_distance_embedding.0`, this.#gaussians);
    const x = this.#linear(layer, distance, { rows: rows.distance, bias: false, part: "distance" });
    const source = this.#atomInputs(name, "source", rows.neighbourDirection, rows.neighbourElement);
    const target = this.#atomInputs(name, "target", rows.centreDirection, rows.centreElement);
    return this.#activated(layer, this.#edgeSum(layer, { x, source, target }));
  }

  /** What an atom gives to a linear layer of edges of which it is one end; the bias comes with the centre. */
  #atomInputs(name: string, end: "source" | "target", directionRows: Rows, elementRows: Rows): Tensor {
    const layer = `${name}.edge_linear.0`;
    const direction = this.#embedded(`${name}.${end}_direction_embedding.0`, this.#bondOrders);
    const table = this.#options.parameter(`${name}.${end}_atomic_embedding.weight`);
    const label = this.#path(`${name}.${end}_atomic_embedding`);
    const element = embedding(this.#graph, { label, indices: this.#atoms.numbers, table });
    const ofElement = this.#linear(layer, element, {
      rows: elementRows,
      bias: end === "target",
      part: `${end}.element`,
    });
    return this.#linear(layer, direction, { rows: directionRows, bias: false, addend: ofElement, part: end });
  }

  #embedded(name: string, x: Tensor): Tensor {
    return this.#activated(name, this.#linear(name, x));
  }

  /** x + W2 GELU(W1 norm(x)); without a norm of x itself. */
  #feedForward(name: string, x: Tensor, norm?: string): Tensor {
    const first = `${name}.0.0`;
    const inner = this.#activated(first, this.#linear(first, norm === undefined ? x : this.#norm(norm, x)));
    const last = `${name}.1.0`;
    if (this.#rate === 0) return this.#linear(last, inner, { addend: x });
    return this.#add(`${name}.sum`, this.#dropped(last, this.#linear(last, inner)), x);
  }

  #readout(layer: number, { node, edge }: Streams): Streams {
    const name = `backbone.readout_layers.${layer}`;
    return {
      node: this.#feedForward(`${name}.energy_ffn`, node, `${name}.energy_norm`),
      edge: this.#feedForward(`${name}.force_ffn`, edge, `${name}.force_norm`),
    };
  }

  #project(stream: "node" | "edge", x: Tensor): Tensor {
    const name = "backbone.output_projection";
    const projected = this.#linear(
      `${name}.${stream}_projection.0`,
      this.#norm(`${name}.readout_norm.${stream}_norm`, x),
    );
    return this.#norm(`${name}.output_norm.${stream}_norm`, this.#gelu(`${name}.${stream}_projection.0`, projected));
  }

  #heads({ node, edge }: Streams): EscaipOutput {
    const [energy, direction, magnitude] = HEADS.map(({ name }) => {
      const x = name === HEADS[1].name ? edge : node;
      const last = { bias: false, dtype: "f32" } as const;
      return this.#linear(`${name}.final_output.0`, this.#feedForward(`${name}.ffn`, x), last);
    }) as [Tensor, Tensor, Tensor];
    const { counts, neighbours } = this.#atoms;
    const [structures, places] = neighbours.shape as [number, number];
    const energies = segmentMean(this.#graph, {
      label: this.#path("energies"),
      x: reshape(this.#graph, energy, [structures, places, 1]),
      counts,
      reduction: { mean: true, eps: 0 },
    });
    const label = this.#path("forces");
    const forces = edgeForces(this.#graph, { label, c: direction, m: magnitude, edges: this.#edges });
    return {
      energies: reshape(this.#graph, energies, [structures]),
      forces: reshape(this.#graph, forces, [structures, places, 3]),
      coefficients: direction,
      magnitudes: magnitude,
    };
  }

  #mean(name: string, x: Tensor): Tensor {
    const counts = this.#atoms.neighbourCounts;
    const reduction = { mean: true, eps: NEIGHBOUR_EPS } as const;
    return segmentMean(this.#graph, { label: this.#path(name), x, counts, reduction });
  }

  #edgeSum(name: string, parts: { x?: Tensor; source: Tensor; target: Tensor }): Tensor {
    const { neighbours, reverse } = this.#atoms;
    return edgeSum(this.#graph, { label: this.#path(`${name}.sum`), ...parts, neighbours, reverse });
  }

  #linear(name: string, x: Tensor, { rows, bias = true, addend, part, dtype }: LinearOptions = {}): Tensor {
    const { parameter } = this.#options;
    return linear(this.#graph, {
      label: this.#path(part === undefined ? name : `${name}.${part}`),
      x,
      weight: parameter(`${name}.weight`, rows),
      ...(bias && { bias: parameter(`${name}.bias`) }),
      ...(addend && { addend }),
      ...(dtype && { dtype }),
    });
  }

  #norm(name: string, x: Tensor): Tensor {
    return rmsNorm(this.#graph, { label: this.#path(name), x, weight: this.#options.parameter(`${name}.weight`) });
  }

  #gelu(name: string, x: Tensor): Tensor {
    return gelu(this.#graph, { label: this.#path(`${name}.gelu`), x });
  }

  #activated(name: string, x: Tensor): Tensor {
    return this.#dropped(name, this.#gelu(name, x));
  }

  /** The share of layers' outputs that is dropped. */
  get #rate(): number {
    return this.#dropouts ? (this.#config.dropout ?? 0) : 0;
  }

  #dropped(name: string, x: Tensor): Tensor {
    return this.#rate > 0 ? this.#dropouts!.apply(this.#path(`${name}.dropout`), x, this.#rate) : x;
  }

  #add(name: string, a: Tensor, b: Tensor): Tensor {
    return add(this.#graph, { label: this.#path(name), a, b });
  }

  #beside(a: Tensor, b: Tensor): Tensor {
    return concatChannels(this.#graph, { label: this.#path("readouts"), a, b });
  }

  #feature(name: string, { node, edge }: Streams): void {
    this.#options.feature?.(`${name}.node`, node);
    this.#options.feature?.(`${name}.edge`, edge);
  }

  #path(name: string): string {
    return `${this.#options.label ?? "escaip"}/${name.replace(/^backbone\./, "").replaceAll(".", "/")}`;
  }
}

type Rows = readonly [from: number, to: number];

/** What a linear layer may differ in. */
interface LinearOptions {
  /** Of its weight: what belongs to one of several inputs side by side. */
  readonly rows?: Rows;
  readonly bias?: boolean;
  readonly addend?: Tensor;
  /** Of its label. */
  readonly part?: string;
  readonly dtype?: Precision;
}
