import { requireArray, requireObject } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Skipped } from "../../molecules/dataset.ts";
import { principalAxes } from "../../molecules/molecule.ts";
import type { Chain } from "../../proteins/chain.ts";
import { prepareChains, usableChains, type ChainDatasetOptions } from "../../proteins/dataset.ts";
import { packChains, type PackedChains } from "../../proteins/packing.ts";
import type { Packed, TaskData } from "../../training/task.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { secondMoments, type SecondMoments } from "./secondMoments.ts";

/** Whole chains for the GPU, in nanometres, and what the training chains' second moments are. */
export interface PackedBackbones extends Packed, PackedChains {
  readonly moments: SecondMoments;
  /**
   * f32 [rows, 9], where crops are turned to their principal axes: of the one that begins at a residue the rotation,
   * row major.
   */
  readonly axes?: Float32Array;
}

/** Divides chains by families of alike sequences, and packs both parts. */
export function openBackbones(chains: readonly Chain[], config: FlowConfig): TaskData<PackedBackbones> {
  requireChains(chains);
  const { heldout, seed, shortest } = config;
  const {
    train,
    heldout: held,
    skipped,
  } = prepareChains(chains, {
    ...{ seed, shortest },
    ...(heldout > 0 && { heldout }),
  });
  const moments = secondMoments(train.chains, config.crop);
  const part = ({ chains: own, sourceIndex }: typeof train) => pack(own, sourceIndex, config, moments);
  return { train: part(train), heldout: part(held), skipped: others(skipped), fitted: { ...moments } };
}

/** Packs chains that are not to be divided, in their order, with the second moments of a model. */
export function packBackbones(
  chains: readonly Chain[],
  config: Pick<FlowConfig, "pose" | "crop" | "shortest" | "seed">,
  fitted?: Readonly<Record<string, unknown>>,
): { packed: PackedBackbones; skipped: Skipped } {
  requireChains(chains);
  requireObject("config", config, 'Give a configuration: flow.presets["flow-tiny"].');
  const options: ChainDatasetOptions = { seed: config.seed, shortest: config.shortest };
  const { usable, skipped } = usableChains(chains, options);
  if (usable.length === 0) {
    const why = skipped.map(({ reason, count }) => `${reason} ${count}`).join(", ");
    const message = `none of ${chains.length} chains can be used: ${why || "there is none"}`;
    throw new VoxtwirlError("no-data", message, "Give whole chains, as PDB or mmCIF.");
  }
  const own = usable.map((i) => chains[i]!);
  const moments = fitted ? (fitted as unknown as SecondMoments) : secondMoments(own, config.crop);
  return { packed: pack(own, Uint32Array.from(usable), config, moments), skipped: others(skipped) };
}

function requireChains(chains: unknown): void {
  requireArray("chains", chains, "Give chains: those of parsePdb, parseMmcif or builtinBackbones.");
}

function others(skipped: readonly { readonly reason: string; readonly count: number }[]): Skipped {
  return { unknownElement: 0, doesNotFit: 0, unknownElements: [], others: skipped };
}

function pack(
  chains: readonly Chain[],
  sourceIndex: Uint32Array,
  { pose, crop }: Pick<FlowConfig, "pose" | "crop">,
  moments: SecondMoments,
): PackedBackbones {
  const packed = packChains(chains);
  return { ...packed, sourceIndex, moments, ...(pose === "principal" && { axes: axesOf(packed, crop) }) };
}

/** The principal axes of all crops. */
function axesOf({ positions, offsets, count }: PackedChains, crop: number): Float32Array {
  const axes = new Float32Array(3 * positions.length);
  for (let c = 0; c < count; c++) {
    const [from, to] = [offsets[c]!, offsets[c + 1]!];
    // Those that a window may begin at.
    for (let row = from; row <= Math.max(from, to - crop); row++) {
      const window = positions.subarray(3 * row, 3 * Math.min(to, row + crop));
      axes.set(principalAxes(window).flat(), 9 * row);
    }
  }
  return axes;
}
