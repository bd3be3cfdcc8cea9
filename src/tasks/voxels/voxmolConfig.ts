/** How a VoxMol checkpoint's network is built and was trained, from its shapes and from the options saved with it. */
import { VoxtwirlError } from "../../errors.ts";
import { PickleTuple, type PickleValue } from "../../formats/pickle.ts";
import type { PlainValue } from "../../formats/pickleWriter.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import { presets } from "./presets.ts";
import { checkVoxelConfig, unetConfig, type VoxelConfig } from "./voxelConfig.ts";
import { requireWeights, STEM, type NamedTensors } from "./voxmolNames.ts";

/** The reference's channels in their order; data sets take the first so many. */
const ELEMENTS = ["C", "H", "O", "N", "F", "S", "Cl", "Br", "P", "I", "B"];

type Specs = NamedTensors["specs"];

/**
 * The configuration of a checkpoint, and its weights held against it. The network is what the weights' shapes tell;
 * sigma, grid, elements, groups, dropout, batch and rate are those of its `config`, else of the preset `qm9`, or
 * `drugs` for more than five elements.
 *
 * @throws VoxtwirlError "bad-file" where weights are missing, too many or of other shapes, "bad-config" for options
 *   that cannot work
 */
export function voxmolConfig(specs: Specs, saved: PickleValue | undefined, fileName: string): VoxelConfig {
  const option = saved instanceof Map ? (name: string) => saved.get(name) : () => undefined;
  const count = specs.get(STEM)?.shape[1] ?? 0;
  const base = presets[count > 5 ? "drugs" : "qm9"]!;
  const batch = whole(option("batch_size")) ?? base.batch;
  const config: VoxelConfig = {
    ...{ ...base, ...networkOf(specs, base), elements: elementsOf(option("elements"), count) },
    grid: whole(option("grid_dim")) ?? base.grid,
    sigma: positive(option("smooth_sigma")) ?? base.sigma,
    groups: whole(option("n_groups")) ?? base.groups,
    dropout: share(option("dropout")) ?? base.dropout,
    lr: positive(option("lr")) ?? base.lr,
    batch,
    microBatch: batch,
  };
  try {
    checkVoxelConfig(config);
  } catch (cause) {
    if (!(cause instanceof VoxtwirlError)) throw cause;
    throw new VoxtwirlError("bad-config", `${fileName}: ${cause.message}`, cause.fix, { cause });
  }
  requireWeights(specs, unetParameters(unetConfig(config)), fileName);
  return config;
}

type Network = Pick<VoxelConfig, "channels" | "blocks" | "attention" | "middleAttention" | "down">;

/** Levels as the list of modules going down has them: residual blocks, then a convolution that halves the grid. */
function networkOf(specs: Specs, base: VoxelConfig): Network {
  const levels: { channels: number; attention: boolean; blocks: number }[] = [];
  let kernel: number | undefined;
  let next = true;
  for (let i = 0; ; i++) {
    const block = specs.get(`down.${i}.res.conv1.weight`);
    const sample = specs.get(`down.${i}.conv.weight`);
    if (block !== undefined) {
      const attention = specs.has(`down.${i}.attn.projection.weight`);
      if (next) levels.push({ channels: block.shape[0] ?? 0, attention, blocks: 0 });
      levels.at(-1)!.blocks++;
    } else if (sample !== undefined) kernel ??= sample.shape[2];
    else break;
    next = block === undefined;
  }
  // Without any, what is missing is told of the reference's own network.
  if (levels.length === 0) return base;
  const downs = new Map<number | undefined, VoxelConfig["down"]>([
    [2, "k2s2"],
    [3, "k3s2"],
    [4, "k4s2"],
  ]);
  return {
    channels: levels.map(({ channels }) => channels),
    blocks: levels[0]!.blocks,
    attention: levels.map(({ attention }) => attention),
    middleAttention: specs.has("middle.attn.projection.weight"),
    down: downs.get(kernel) ?? base.down,
  };
}

function elementsOf(saved: PickleValue | undefined, count: number): string[] {
  const list = saved instanceof PickleTuple ? saved.items : saved;
  const named = (Array.isArray(list) ? list : []).filter((one) => typeof one === "string");
  return named.length === count ? named : ELEMENTS.slice(0, count);
}

const number = (value: PickleValue | undefined, fits: (value: number) => boolean): number | undefined =>
  typeof value === "number" && fits(value) ? value : undefined;
const whole = (value: PickleValue | undefined) => number(value, (n) => Number.isSafeInteger(n) && n > 0);
const positive = (value: PickleValue | undefined) => number(value, (n) => n > 0 && n < Infinity);
const share = (value: PickleValue | undefined) => number(value, (n) => n >= 0 && n < 1);

/** The options under which the reference's code makes the network again. */
export function voxmolOptions(config: VoxelConfig): Readonly<Record<string, PlainValue>> {
  const { channels, elements, attention, lr, weightDecay, batch, grid, sigma, blocks, groups, dropout, seed } = config;
  return {
    model_name: "unet3d",
    dset_name: elements.length > 5 ? "drugs" : "qm9",
    elements,
    num_channels: elements.length,
    grid_dim: grid,
    smooth_sigma: sigma,
    n_channels: channels[0]!,
    ch_mults: channels.map((count, level) => count / channels[Math.max(0, level - 1)]!),
    is_attn: attention,
    n_blocks: blocks,
    n_groups: groups,
    dropout,
    batch_size: batch,
    lr,
    wd: weightDecay,
    seed,
  };
}

/** Why the reference's own code cannot make a network of this configuration; empty where it can. */
export function foreignToVoxmol(config: VoxelConfig): string[] {
  const { channels, down, middleAttention, resolution } = config;
  return [
    ...(down === "k3s2" ? [] : [`it goes down by ${down}, VoxMol's by k3s2`]),
    ...(middleAttention ? [] : ["it has no attention in the middle"]),
    ...(channels.every((count, i) => i === 0 || count % channels[i - 1]! === 0)
      ? []
      : ["its channels are no whole multiples of those of the level above"]),
    ...(resolution === 0.25 ? [] : [`its voxels have ${resolution} A, VoxMol's 0.25 A`]),
  ];
}
