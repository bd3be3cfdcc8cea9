import { requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Orbits } from "../graph/parameters.ts";
import { FIELD_SIZES, weightOrbits, type FieldKind } from "./fields.ts";
import type { WeightKind } from "./layouts.ts";
import type { ModelParameter } from "./parameter.ts";

/** The network of VoxMol's denoiser as numbers. `channels` has one entry a level, finest first. */
export interface UNet3dConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly channels: readonly number[];
  /** Residual blocks a level going down; going up there is one more. */
  readonly blocks: number;
  /** Self-attention after each residual block of a level, going down and up. */
  readonly attention: readonly boolean[];
  readonly middleAttention: boolean;
  /** Groups of every group norm. */
  readonly groups: number;
  /** Rate of the dropout before each block's second convolution, in [0, 1). */
  readonly dropout: number;
  /**
   * How a level goes down. The reference uses k3s2 (kernel 3, stride 2, padding 1), which no weights make equivariant
   * under flips of an even grid; k4s2 (padding 1) and k2s2 (padding 0) can be.
   */
  readonly down: "k3s2" | "k4s2" | "k2s2";
  /**
   * Weights tied so that the network is exactly equivariant under the rotations of the cube, its hidden channels being
   * fields of this kind; left out, no weight is tied.
   */
  readonly fields?: FieldKind;
}

/** A residual block: two convolutions, and one over the shortcut where the channels differ. */
export interface ResLayout {
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly shortcut: boolean;
}

/** A residual block with or without attention. */
export interface BlockLayout {
  readonly kind: "block";
  readonly name: string;
  readonly res: ResLayout;
  /** Name of the attention's parameters, where the block has one. */
  readonly attention?: string;
}

/** A convolution that halves the grid, or a transposed one that doubles it. */
export interface SampleLayout {
  readonly kind: "sample";
  readonly name: string;
  readonly channels: number;
  readonly kernel: number;
}

/** The modules in order, under the names of the reference's state dict. */
export interface UNet3dLayout {
  readonly config: UNet3dConfig;
  readonly down: readonly (BlockLayout | SampleLayout)[];
  readonly middle: { readonly res1: ResLayout; readonly attention?: string; readonly res2: ResLayout };
  readonly up: readonly (BlockLayout | SampleLayout)[];
}

/** @throws VoxtwirlError "bad-config" naming the field that does not fit */
export function unetLayout(config: UNet3dConfig): UNet3dLayout {
  checkConfig(config);
  const { channels, blocks, attention } = config;
  const levels = channels.length;
  const block = (name: string, inChannels: number, outChannels: number, withAttention: boolean): BlockLayout => ({
    kind: "block",
    name,
    res: res(`${name}.res`, inChannels, outChannels),
    ...(withAttention ? { attention: `${name}.attn` } : {}),
  });

  const down: (BlockLayout | SampleLayout)[] = [];
  const skips = [channels[0]!];
  let current = channels[0]!;
  for (let level = 0; level < levels; level++) {
    for (let i = 0; i < blocks; i++) {
      down.push(block(`down.${down.length}`, current, channels[level]!, attention[level]!));
      current = channels[level]!;
      skips.push(current);
    }
    if (level < levels - 1) {
      down.push({ kind: "sample", name: `down.${down.length}`, channels: current, kernel: Number(config.down[1]) });
      skips.push(current);
    }
  }

  const middle = {
    res1: res("middle.res1", current, current),
    ...(config.middleAttention ? { attention: "middle.attn" } : {}),
    res2: res("middle.res2", current, current),
  };

  const up: (BlockLayout | SampleLayout)[] = [];
  for (let level = levels - 1; level >= 0; level--) {
    for (let i = 0; i <= blocks; i++) {
      // The last block of a level takes the channels down to those of the level above.
      const outChannels = i < blocks ? channels[level]! : channels[Math.max(level - 1, 0)]!;
      up.push(block(`up.${up.length}`, current + skips.pop()!, outChannels, attention[level]!));
      current = outChannels;
    }
    if (level > 0) up.push({ kind: "sample", name: `up.${up.length}`, channels: current, kernel: 4 });
  }

  return { config, down, middle, up };
}

function res(name: string, inChannels: number, outChannels: number): ResLayout {
  return { name, inChannels, outChannels, shortcut: inChannels !== outChannels };
}

/**
 * Every parameter in the order of the reference's state dict. Initial values are PyTorch's defaults: weights and biases
 * uniform in +-1/sqrt(fanIn), norms 1 and 0. The fan-in of a transposed convolution counts its output channels.
 *
 * The reference gives each attention a group norm that it never applies; it is here, untrained, so that its
 * checkpoints load and save.
 */
export function unetParameters(config: UNet3dConfig): ModelParameter[] {
  const layout = unetLayout(config);
  const parameters: ModelParameter[] = [];
  const norm = (name: string, channels: number, trained = true) => {
    parameters.push({ name: `${name}.weight`, kind: "vector", shape: [channels], trained, init: { constant: 1 } });
    parameters.push({ name: `${name}.bias`, kind: "vector", shape: [channels], trained, init: { constant: 0 } });
  };
  const weighted = (name: string, kind: WeightKind, shape: number[], fanIn: number) => {
    const init = { bound: 1 / Math.sqrt(fanIn) };
    parameters.push({ name: `${name}.weight`, kind, shape, trained: true, init });
    parameters.push({ name: `${name}.bias`, kind: "vector", shape: [shape[shape.length - 1]!], trained: true, init });
  };
  const conv = (name: string, k: number, ci: number, co: number) =>
    weighted(name, "conv", [k, k, k, ci, co], ci * k ** 3);
  const residual = ({ name, inChannels, outChannels, shortcut }: ResLayout) => {
    norm(`${name}.norm1`, inChannels);
    conv(`${name}.conv1`, 3, inChannels, outChannels);
    norm(`${name}.norm2`, outChannels);
    conv(`${name}.conv2`, 3, outChannels, outChannels);
    if (shortcut) conv(`${name}.shortcut`, 1, inChannels, outChannels);
  };
  const attend = (name: string, channels: number) => {
    norm(`${name}.norm`, channels, false);
    weighted(`${name}.projection`, "linear", [channels, 3 * channels], channels);
    weighted(`${name}.output`, "linear", [channels, channels], channels);
  };
  const block = ({ res, attention }: BlockLayout) => {
    residual(res);
    if (attention) attend(attention, res.outChannels);
  };

  conv("grid_projection", 3, config.inChannels, config.channels[0]!);
  for (const item of layout.down) {
    if (item.kind === "block") block(item);
    else conv(`${item.name}.conv`, item.kernel, item.channels, item.channels);
  }
  residual(layout.middle.res1);
  if (layout.middle.attention) attend(layout.middle.attention, layout.middle.res1.outChannels);
  residual(layout.middle.res2);
  for (const item of layout.up) {
    if (item.kind === "block") block(item);
    else {
      weighted(`${item.name}.conv`, "convTranspose", [4, 4, 4, item.channels, item.channels], item.channels * 4 ** 3);
    }
  }
  norm("norm", config.channels[0]!);
  conv("final", 3, config.channels[0]!, config.outChannels);
  const { fields } = config;
  return fields === undefined ? parameters : parameters.map((parameter) => tied(parameter, fields));
}

/** Grids that go in and come out have channels that no rotation moves. */
function tied(parameter: ModelParameter, hidden: FieldKind): ModelParameter {
  const is = (name: string) => parameter.name.startsWith(`${name}.`);
  const fields = {
    input: is("grid_projection") ? "trivial" : hidden,
    output: is("final") ? "trivial" : hidden,
  } as const;
  let made: Orbits | undefined;
  return { ...parameter, orbits: () => (made ??= weightOrbits(parameter, fields)) };
}

function checkConfig(config: UNet3dConfig): void {
  requireObject("config", config, "Give a network's configuration: unetConfig(voxels.presets.tiny).");
  const bad = (what: string, fix: string) => new VoxtwirlError("bad-config", `U-Net configuration: ${what}`, fix);
  const { channels, attention, groups, blocks } = config;
  const positive = { inChannels: config.inChannels, outChannels: config.outChannels, groups, blocks };
  for (const [name, value] of Object.entries(positive)) {
    if (!Number.isSafeInteger(value) || value < 1) throw bad(`${name} is ${value}`, "Give a positive integer.");
  }
  if (channels.length < 1 || channels.length !== attention.length) {
    throw bad(
      `${channels.length} levels of channels, ${attention.length} of attention`,
      "Give one entry a level in each.",
    );
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) throw bad(`dropout is ${config.dropout}`, "Give a rate in [0, 1).");
  if (!["k3s2", "k4s2", "k2s2"].includes(config.down)) {
    throw bad(`down is '${config.down}'`, "Choose k3s2, k4s2 or k2s2.");
  }
  for (const c of channels) {
    if (!Number.isSafeInteger(c) || c < 1 || c % groups !== 0) {
      throw bad(
        `channels [${channels.join(", ")}] with ${groups} groups`,
        "Every level needs a multiple of the groups.",
      );
    }
  }
  if (config.fields !== undefined) checkFields(config, config.fields, bad);
}

function checkFields(
  { channels, groups, down }: UNet3dConfig,
  fields: FieldKind,
  bad: (what: string, fix: string) => VoxtwirlError,
): void {
  if (!(fields in FIELD_SIZES)) {
    throw bad(`fields is '${fields as string}'`, "Choose trivial or regular, or leave it out.");
  }
  if (down === "k3s2") {
    throw bad("no weights of k3s2 are equivariant under flips of an even grid", "Choose k4s2 or k2s2 with fields.");
  }
  const size = FIELD_SIZES[fields];
  if (channels.some((c) => c % (size * groups) !== 0)) {
    throw bad(
      `channels [${channels.join(", ")}] in ${groups} groups are not whole ${fields} fields`,
      `Every level needs a multiple of ${size} channels times the groups.`,
    );
  }
}
