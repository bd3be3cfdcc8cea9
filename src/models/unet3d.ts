import { requireFunction, requireGraph, requireObject, requireTensor } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatShape, type Tensor } from "../gpu/tensor.ts";
import type { Graph, Precision } from "../graph/graph.ts";
import {
  attention,
  concatChannels,
  conv3d,
  convTranspose3d,
  dropout,
  groupNorm,
  linear,
  reshape,
} from "../graph/operations.ts";
import { unetLayout, type BlockLayout, type ResLayout, type UNet3dConfig, type UNet3dLayout } from "./unetLayout.ts";

/** How a pass over the network gets its parameters and, when training, its dropout masks. */
export interface ForwardOptions {
  /** The prefix of all labels; default "unet". */
  label?: string;
  /** Gives a parameter's tensor by its name (see `ParameterStore.bind`). */
  parameter: (name: string) => Tensor;
  /**
   * Dropout is applied only when this is given: the uniform that carries seed and step, and the first stream number.
   */
  dropout?: { step: Tensor; stream: number };
  /**
   * Called with each hidden map [N, d, h, w, c] as it is appended, in order: `grid_projection` (the stem), each block
   * and sample under its name in the layout (`down.0`, `middle.res1`, `up.2`), and `final`, the prediction. To read one
   * after a replay, `graph.keep` it here.
   */
  feature?: (name: string, tensor: Tensor) => void;
}

/**
 * The 3D U-Net denoiser of VoxMol (arXiv 2306.07473): [N, D, D, D, inChannels] to [N, D, D, D, outChannels], both f32;
 * what lies between is stored in the graph's precision.
 *
 * @throws VoxtwirlError "bad-shape" when the grid cannot be halved as often as the network goes down
 */
export function unet3d(graph: Graph, config: UNet3dConfig, x: Tensor, options: ForwardOptions): Tensor {
  requireGraph("graph", graph);
  requireTensor("x", x);
  requireObject("options", options, "Give { parameter }: see ParameterStore.bind.");
  requireFunction(
    "parameter",
    options.parameter,
    'Give a function of a parameter\'s name: store.bind(graph, { constants: "weights" }).',
  );
  return new Pass(graph, unetLayout(config), options).run(x);
}

class Pass {
  readonly #graph: Graph;
  readonly #layout: UNet3dLayout;
  readonly #options: ForwardOptions;
  readonly #label: string;
  #dropoutCount = 0;

  constructor(graph: Graph, layout: UNet3dLayout, options: ForwardOptions) {
    this.#graph = graph;
    this.#layout = layout;
    this.#options = options;
    this.#label = options.label ?? "unet";
  }

  run(input: Tensor): Tensor {
    const { config, down, middle, up } = this.#layout;
    checkInput(input, config);
    let x = this.#feature("grid_projection", this.#conv("grid_projection", input, 1, 1));
    const skips = [x];
    for (const block of down) {
      x =
        block.kind === "sample"
          ? this.#conv(`${block.name}.conv`, x, 2, block.kernel === 2 ? 0 : 1)
          : this.#block(block, x);
      skips.push(this.#feature(block.name, x));
    }
    x = this.#feature(middle.res1.name, this.#res(middle.res1, x));
    if (middle.attention) x = this.#feature(middle.attention, this.#attention(middle.attention, x));
    x = this.#feature(middle.res2.name, this.#res(middle.res2, x));
    for (const block of up) {
      if (block.kind === "sample") {
        x = this.#convTranspose(`${block.name}.conv`, x);
      } else {
        x = concatChannels(this.#graph, { label: this.#path(`${block.res.name}.concat`), a: x, b: skips.pop()! });
        x = this.#block(block, x);
      }
      this.#feature(block.name, x);
    }
    return this.#feature("final", this.#conv("final", this.#norm("norm", x), 1, 1, undefined, "f32"));
  }

  #feature(name: string, x: Tensor): Tensor {
    this.#options.feature?.(name, x);
    return x;
  }

  #path(name: string): string {
    return `${this.#label}/${name.replaceAll(".", "/")}`;
  }

  #block(block: BlockLayout, x: Tensor): Tensor {
    const y = this.#res(block.res, x);
    return block.attention ? this.#attention(block.attention, y) : y;
  }

  #res({ name, shortcut }: ResLayout, x: Tensor): Tensor {
    let h = this.#norm(`${name}.norm1`, x);
    h = this.#conv(`${name}.conv1`, h, 1, 1);
    h = this.#norm(`${name}.norm2`, h);
    const { dropout: masks } = this.#options;
    const rate = this.#layout.config.dropout;
    if (masks && rate > 0) {
      const stream = masks.stream + this.#dropoutCount++;
      h = dropout(this.#graph, { label: this.#path(`${name}.dropout`), x: h, rate, stream, step: masks.step });
    }
    return this.#conv(`${name}.conv2`, h, 1, 1, shortcut ? this.#conv(`${name}.shortcut`, x, 1, 0) : x);
  }

  #attention(name: string, x: Tensor): Tensor {
    const { parameter } = this.#options;
    const [n, d, h, w, channels] = x.shape as [number, number, number, number, number];
    const tokens = reshape(this.#graph, x, [n, d * h * w, channels]);
    const weights = (layer: string) => ({
      label: this.#path(`${name}.${layer}`),
      weight: parameter(`${name}.${layer}.weight`),
      bias: parameter(`${name}.${layer}.bias`),
    });
    const qkv = linear(this.#graph, { ...weights("projection"), x: tokens });
    const mixed = attention(this.#graph, { label: this.#path(name), qkv, scale: channels ** -0.5 });
    return reshape(this.#graph, linear(this.#graph, { ...weights("output"), x: mixed, addend: tokens }), x.shape);
  }

  #norm(name: string, x: Tensor): Tensor {
    const { parameter } = this.#options;
    const gamma = parameter(`${name}.weight`);
    const beta = parameter(`${name}.bias`);
    return groupNorm(this.#graph, {
      label: this.#path(name),
      x,
      gamma,
      beta,
      groups: this.#layout.config.groups,
      silu: true,
    });
  }

  #conv(name: string, x: Tensor, stride: 1 | 2, padding: number, addend?: Tensor, dtype?: Precision): Tensor {
    const { parameter } = this.#options;
    const weight = parameter(`${name}.weight`);
    const bias = parameter(`${name}.bias`);
    const extra = { ...(addend ? { addend } : {}), ...(dtype ? { dtype } : {}) };
    return conv3d(this.#graph, { label: this.#path(name), x, weight, bias, stride, padding, ...extra });
  }

  #convTranspose(name: string, x: Tensor): Tensor {
    const { parameter } = this.#options;
    const weight = parameter(`${name}.weight`);
    const bias = parameter(`${name}.bias`);
    return convTranspose3d(this.#graph, { label: this.#path(name), x, weight, bias, stride: 2, padding: 1 });
  }
}

function checkInput(x: Tensor, config: UNet3dConfig): void {
  const factor = 2 ** (config.channels.length - 1);
  const [, d, h, w, channels] = x.shape;
  if (x.shape.length !== 5 || channels !== config.inChannels || [d, h, w].some((size) => size! % factor !== 0)) {
    throw new VoxtwirlError(
      "bad-shape",
      `the network takes [N, D, H, W, ${config.inChannels}] with D, H and W multiples of ${factor}, ` +
        `got ${formatShape(x.shape)}`,
      `Choose a grid that is a multiple of ${factor}, or fewer levels.`,
    );
  }
}
