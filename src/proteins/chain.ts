import { requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { residueCode } from "./residues.ts";

/** A next C-alpha farther away than this, in Angstrom, is not the neighbour: residues are missing in between. */
export const BREAK_DISTANCE = 4;

/** A protein chain as its n residues' C-alpha atoms, in Angstrom. */
export interface Chain {
  /** The entry it is from: the code of a PDB file's HEADER, or the name of a data block. */
  entry?: string;
  /** The chain's own name in the entry; "" where it has none. */
  chain: string;
  /** The number of its model in the entry, where that is not the first. */
  model?: number;
  /** Places of the C-alphas in Angstrom (n*3): x y z of each residue. */
  positions: Float64Array;
  /** One letter a residue (`residueCode`), X for those that have none. */
  sequence: string;
  /** The residues' own names, of up to five letters: "ALA", "MSE". */
  residues: string[];
  /** The residues' numbers in the entry, in whatever order they are there. */
  numbers: Int32Array;
  /** What tells residues of one number apart: "A", "B"; "" for most. */
  insertionCodes: string[];
  /** 1 where the next C-alpha is more than 4 Angstrom away, else 0; 0 for the last residue. */
  breaks: Uint8Array;
}

/** What `makeChain` fills in by itself where it is not given. */
export type ChainParts = Pick<Chain, "positions"> & Partial<Omit<Chain, "positions" | "sequence" | "breaks">>;

/**
 * A chain of C-alphas in Angstrom (n*3), with its sequence and its breaks. Residues are GLY unless named, their numbers
 * from 1, and the chain is A.
 *
 * Throws "bad-molecule" for no residues, positions that are not finite, and parts that do not belong together.
 */
export function makeChain(parts: ChainParts): Chain {
  requireObject("chain", parts, "Give { positions } in Angstrom, three for each residue.");
  requireNumbers("positions", parts.positions);
  const positions = Float64Array.from(parts.positions);
  const n = positions.length / 3;
  const residues = parts.residues ?? Array.from({ length: n }, () => "GLY");
  const chain: Chain = {
    ...parts,
    chain: parts.chain ?? "A",
    positions,
    sequence: residues.map(residueCode).join(""),
    residues: [...residues],
    numbers: parts.numbers?.slice() ?? Int32Array.from({ length: n }, (_, i) => i + 1),
    insertionCodes: [...(parts.insertionCodes ?? residues.map(() => ""))],
    breaks: breaksOf(positions),
  };
  checkChain(chain);
  return chain;
}

/** @throws VoxtwirlError "bad-molecule" for no residues, places that are not finite, parts of different lengths */
export function checkChain(chain: Chain, index?: number): void {
  const which = index === undefined ? "the chain" : `chain ${index}`;
  requireObject(which, chain, "Give a chain: of parsePdb, parseMmcif, builtinBackbones or makeChain.");
  requireNumbers(`positions of ${which}`, chain.positions);
  const n = chain.positions.length / 3;
  const parts = [chain.sequence, chain.residues, chain.numbers, chain.insertionCodes, chain.breaks] as const;
  const lengths = parts.map((part) => (part as { length: number } | undefined)?.length);
  const fail = (message: string) =>
    new VoxtwirlError("bad-molecule", message, "Give three finite coordinates in Angstrom for each residue.");
  if (n === 0 || lengths.some((length) => length !== n)) {
    throw fail(`${which} has ${chain.positions.length} coordinates for ${lengths[0] ?? 0} residues`);
  }
  if (!chain.positions.every(Number.isFinite)) throw fail(`${which} has coordinates that are not finite`);
}

/** "1ABC_A": entry, unless it ends so already chain, and "/2" for a model that is not the first. */
export function chainName(named: Pick<Chain, "entry" | "chain" | "model">): string {
  requireObject("chain", named, "Give a chain: of parsePdb, parseMmcif or builtinBackbones.");
  const { entry, chain, model } = named;
  const parts = entry?.endsWith(`_${chain}`)
    ? [entry]
    : [entry, chain].filter((part) => part !== undefined && part !== "");
  return `${parts.join("_")}${model === undefined ? "" : `/${model}`}`;
}

/** The distances between neighbours of a chain's n residues, in the unit of the positions (n - 1). */
export function neighbourDistances(p: ArrayLike<number>): Float64Array {
  const steps = Math.max(0, Math.floor(p.length / 3) - 1);
  return Float64Array.from({ length: steps }, (_, i) => {
    const at = 3 * i;
    const [x, y, z] = [p[at + 3]! - p[at]!, p[at + 4]! - p[at + 1]!, p[at + 5]! - p[at + 2]!];
    return Math.sqrt(x * x + y * y + z * z);
  });
}

/** For each of n residues 1 where the next C-alpha is more than 4 Angstrom away. */
export function breaksOf(positions: ArrayLike<number>): Uint8Array {
  const breaks = new Uint8Array(Math.ceil(positions.length / 3));
  neighbourDistances(positions).forEach((distance, i) => (breaks[i] = distance > BREAK_DISTANCE ? 1 : 0));
  return breaks;
}
