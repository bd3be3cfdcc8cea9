import { elementCount, type Tensor } from "../gpu/tensor.ts";
import type { Graph } from "../graph/graph.ts";
import { dropout, reshape } from "../graph/operations.ts";

/** Where masks come from: the uniform that carries seed and step, and the first stream number. */
export interface Masks {
  readonly step: Tensor;
  readonly stream: number;
}

/** The dropouts of a pass over a network, each with a stream of its own. */
export class Dropouts {
  readonly #graph: Graph;
  readonly #masks: Masks;
  readonly #samples: number;
  #count = 0;

  /** @param samples that tensors are cut into along the first axis: a batch in parts then drops the same of each */
  constructor(graph: Graph, masks: Masks, samples: number) {
    this.#graph = graph;
    this.#masks = masks;
    this.#samples = samples;
  }

  /** What the next dropout draws from. */
  next(): Masks & { readonly samples: number } {
    return { step: this.#masks.step, stream: this.#masks.stream + this.#count++, samples: this.#samples };
  }

  apply(label: string, x: Tensor, rate: number): Tensor {
    const { samples, ...masks } = this.next();
    const rows = reshape(this.#graph, x, [samples, elementCount(x.shape) / samples]);
    return reshape(this.#graph, dropout(this.#graph, { label, x: rows, rate, ...masks }), x.shape);
  }
}
