import { requireArray, requireFinite, requireObject, requireOneOf, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { drawGroups } from "../molecules/dataset.ts";
import { SaltedDraw } from "../molecules/identity.ts";
import { Random } from "../random.ts";
import { checkChain, type Chain } from "./chain.ts";
import { FAMILY_SIMILARITY, sequenceFamilies } from "./families.ts";

/** How chains are chosen and divided. */
export interface ChainDatasetOptions {
  /** Number of held-out chains, each of another family; a tenth of the families where it is undefined. */
  heldout?: number | undefined;
  /** Seed of the split. */
  seed: number;
  /** Chains of fewer residues are left out; 20 by default. */
  shortest?: number | undefined;
  /** Chains of more residues are left out; none by default. */
  longest?: number | undefined;
  /** What happens to chains with breaks, a next C-alpha more than 4 Angstrom away; "leave-out" by default. */
  breaks?: "leave-out" | "keep" | undefined;
  /** Chains with a larger share of residues that have no letter (X) are left out; 0.1 by default. */
  unknown?: number | undefined;
  /** Chains that are more alike than this are of one family (`sequenceFamilies`); 0.2 by default. */
  similarity?: number | undefined;
}

/** Chains to train on, or held-out ones. */
export interface ChainPart {
  chains: Chain[];
  /** For each of them its index in the chains given to `prepareChains`. */
  sourceIndex: Uint32Array;
}

/** Chains divided for training, and what was left out. */
export interface PreparedChains {
  train: ChainPart;
  heldout: ChainPart;
  /** Families among the usable chains. */
  families: number;
  /** Chains in neither part, by reason; the first that applies counts. */
  skipped: { reason: string; count: number }[];
}

/** Why chains are in neither part, in the order in which it is asked. */
const reasons = {
  short: "too short",
  long: "too long",
  broken: "with breaks",
  unknown: "with unknown residues",
  alike: "of the family of a held-out chain",
} as const;

/**
 * Chooses and divides chains for training.
 *
 * Held out are whole families of alike sequences (`sequenceFamilies`), `heldout` of them drawn by `seed`: one chain of
 * each is measured, the others are in neither part. So no chain to train on is like a held-out one, and no two held-out
 * ones are alike; models and frames of one protein are of one family. Both parts are in a random order; order and split
 * are functions of the seed and the chains alone, not of the order in which these come.
 *
 * Throws "bad-option" for options out of range, "bad-molecule" for chains whose parts do not belong together, "no-data"
 * where too few chains are left for both parts.
 */
export function prepareChains(chains: readonly Chain[], options: ChainDatasetOptions): PreparedChains {
  requireArray("chains", chains, "Give chains: those of parsePdb, parseMmcif or builtinBackbones.");
  const checked = checkOptions(options);
  const { usable, counts } = select(chains, checked);
  const skip = (reason: string) => counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const { family, families } = sequenceFamilies(
    usable.map((i) => chains[i]!.sequence),
    checked.similarity,
  );
  const wanted = checked.heldout ?? Math.max(1, Math.round(families / 10));
  if (families < 2 || wanted >= families) throw tooFew(chains.length, usable.length, families, wanted, counts);
  const draw = drawChains(
    usable.map((i) => chains[i]!),
    checked.seed,
  );
  const held = new Set(drawGroups(family, families, draw).slice(0, wanted));
  const waiting = new Set(held);
  const parts = { train: [] as number[], heldout: [] as number[] };
  for (const k of [...usable.keys()].sort((i, j) => draw[i]! - draw[j]! || i - j)) {
    if (waiting.delete(family[k]!)) parts.heldout.push(usable[k]!);
    else if (held.has(family[k]!)) skip(reasons.alike);
    else parts.train.push(usable[k]!);
  }
  const part = (indices: number[]): ChainPart => ({
    chains: indices.map((i) => chains[i]!),
    sourceIndex: Uint32Array.from(indices),
  });
  return { train: part(parts.train), heldout: part(parts.heldout), families, skipped: skippedOf(counts) };
}

/**
 * Which chains can be used at all, by their places in the order in which they come.
 *
 * Throws "bad-option" for options out of range, "bad-molecule" for chains whose parts do not belong together.
 */
export function usableChains(
  chains: readonly Chain[],
  options: ChainDatasetOptions,
): { usable: number[]; skipped: PreparedChains["skipped"] } {
  requireArray("chains", chains, "Give chains: those of parsePdb, parseMmcif or builtinBackbones.");
  const { usable, counts } = select(chains, checkOptions(options));
  return { usable, skipped: skippedOf(counts) };
}

function select(chains: readonly Chain[], options: Checked): { usable: number[]; counts: Map<string, number> } {
  chains.forEach(checkChain);
  const counts = new Map<string, number>();
  const usable = [...chains.keys()].filter((i) => {
    const reason = faultOf(chains[i]!, options);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return reason === undefined;
  });
  return { usable, counts };
}

type Checked = ChainDatasetOptions & Required<Pick<ChainDatasetOptions, "shortest" | "longest" | "unknown">>;

function checkOptions(options: ChainDatasetOptions): Checked {
  requireObject("options", options, "Give { seed }, and heldout or others.");
  const { heldout, seed, breaks = "leave-out", similarity = FAMILY_SIMILARITY } = options;
  const { shortest = 20, longest = Number.MAX_SAFE_INTEGER, unknown = 0.1 } = options;
  requireFinite("seed", seed);
  if (heldout !== undefined) requireWhole("heldout", heldout, 1);
  requireWhole("shortest", shortest, 1);
  requireWhole("longest", longest, shortest);
  requireOneOf("breaks", breaks, ["leave-out", "keep"]);
  if (!(unknown >= 0 && unknown <= 1)) {
    throw new VoxtwirlError("bad-option", `unknown is ${unknown}`, "Give a share from 0 to 1.");
  }
  return { heldout, seed, breaks, similarity, shortest, longest, unknown };
}

function faultOf(chain: Chain, { shortest, longest, breaks, unknown }: Checked): string | undefined {
  const n = chain.sequence.length;
  if (n < shortest) return reasons.short;
  if (n > longest) return reasons.long;
  if (breaks !== "keep" && chain.breaks.includes(1)) return reasons.broken;
  const without = chain.sequence.split("X").length - 1;
  return without > unknown * n ? reasons.unknown : undefined;
}

/** For each chain a number in [0, 1): random in the seed, a function of it, the sequence and the C-alphas to 0.01 A. */
function drawChains(chains: readonly Chain[], seed: number): Float64Array {
  const random = new Random(seed);
  const salts = [random.uint32(), random.uint32()] as const;
  return Float64Array.from(chains, ({ sequence, positions }) => {
    const draw = new SaltedDraw(salts);
    for (let i = 0; i < sequence.length; i++) draw.absorb(sequence.charCodeAt(i));
    for (const value of positions) draw.absorb(Math.round(100 * value));
    return draw.value();
  });
}

function skippedOf(counts: ReadonlyMap<string, number>): PreparedChains["skipped"] {
  return Object.values(reasons).flatMap((reason) => {
    const count = counts.get(reason);
    return count === undefined ? [] : { reason, count };
  });
}

function tooFew(
  total: number,
  usable: number,
  families: number,
  wanted: number,
  counts: ReadonlyMap<string, number>,
): VoxtwirlError {
  const why = skippedOf(counts).map(({ reason, count }) => `${count} ${reason}`);
  const left = why.length > 0 ? `; left out are ${why.join(", ")}` : "";
  if (usable === 0) {
    const fix = "Give chains of other lengths, without breaks, or change shortest, breaks or unknown.";
    return new VoxtwirlError("no-data", `none of ${total} chains can be used${left}`, fix);
  }
  const message = `${wanted} held-out of ${families} families of sequences leave none to train on${left}`;
  const fix = families < 2 ? "Give chains of at least two different proteins." : `Hold out at most ${families - 1}.`;
  return new VoxtwirlError("no-data", message, fix);
}
