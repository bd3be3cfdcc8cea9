import type { Tensor } from "../src/gpu/tensor.ts";
import type { Graph } from "../src/graph/graph.ts";
import type { ParameterSpec } from "../src/graph/parameters.ts";
import type { Spread } from "./data.ts";

/** A network, its parameters and the grids it takes and gives. */
export interface Network {
  /** What the data's names begin with: "unet/U". */
  readonly dataName: string;
  readonly parameters: readonly (ParameterSpec & { readonly spread: Spread })[];
  /** Of the input, the output and the target. */
  readonly shape: readonly number[];
  /** Of one forward pass of the whole batch. */
  readonly flops: number;
  /** The first layer's share: its input needs no gradient. */
  readonly firstFlops: number;
  build(graph: Graph, x: Tensor, parameter: (name: string) => Tensor): Tensor;
}

/** What AdamW is told. */
export interface Training {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** What is made of a network on the GPU. */
export interface NetworkPlanSpec {
  /** The plan's label. */
  readonly name: string;
  readonly network: Network;
  readonly precision?: "f16";
}
