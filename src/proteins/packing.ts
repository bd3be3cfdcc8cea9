import { requireArray, requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { centred } from "../molecules/molecule.ts";
import { checkChain, type Chain } from "./chain.ts";

/** Angstrom in a nanometre: chains are in Angstrom, what a model takes and gives is in nanometres. */
export const ANGSTROM_PER_NM = 10;

/** Whole chains one after another, for the GPU. */
export interface PackedChains {
  readonly count: number;
  /** Places in nanometres, three a residue, each chain's centroid at the origin. */
  readonly positions: Float32Array;
  /** For each residue 1 where the next C-alpha is more than 0.4 nm away, else 0. */
  readonly breaks: Float32Array;
  /** count + 1 numbers: the residues of chain c are those from offsets[c] to before offsets[c + 1]. */
  readonly offsets: Uint32Array;
}

/**
 * Packs whole chains one after another, in nanometres.
 *
 * Throws "bad-option" for no chains, "bad-molecule" for chains whose parts do not belong together.
 */
export function packChains(chains: readonly Chain[]): PackedChains {
  requireArray("chains", chains, "Give chains: those of prepareChains.");
  if (chains.length === 0) throw new VoxtwirlError("bad-option", "no chains are given", "Give at least one.");
  const offsets = new Uint32Array(chains.length + 1);
  chains.forEach((chain, c) => {
    checkChain(chain, c);
    offsets[c + 1] = offsets[c]! + chain.breaks.length;
  });
  const positions = new Float32Array(3 * offsets[chains.length]!);
  const breaks = new Float32Array(offsets[chains.length]!);
  chains.forEach((chain, c) => {
    positions.set(inNanometres(chain.positions), 3 * offsets[c]!);
    breaks.set(chain.breaks, offsets[c]);
  });
  return { count: chains.length, positions, breaks, offsets };
}

/** Places in nanometres, the centroid at the origin, of places in Angstrom. */
function inNanometres(positions: Float64Array): Float64Array {
  return centred(positions).map((value) => value / ANGSTROM_PER_NM);
}

/** Consecutive residues of a chain: `length` of them from the one at `start`, counted from 0. */
export interface CropWindow {
  readonly start: number;
  readonly length: number;
}

/** A window of a chain. */
export interface Crop extends CropWindow {
  readonly chain: Chain;
}

/** Crops as arrays of `batch` rows, each of `length` residues, of which the first ones are real. */
export interface PackedCrops {
  readonly batch: number;
  readonly length: number;
  /** Places in nanometres [batch, length, 3], each crop's centroid at the origin; 0 after the last real residue. */
  readonly positions: Float32Array;
  /** [batch, length], 1 for real residues, else 0. */
  readonly mask: Float32Array;
  /** [batch, length], 1 where the crop's next C-alpha is more than 0.4 nm away, else 0. */
  readonly breaks: Float32Array;
  /** Real residues of each row. */
  readonly residues: Uint32Array;
}

/**
 * The window of at most `limit` residues that a uniform random number in [0, 1) draws from a chain of `residues`: each
 * of those possible is as likely. A chain no longer than the limit stays whole, whatever the number.
 *
 * Throws "bad-option" for numbers out of range.
 */
export function cropWindow(residues: number, limit: number, uniform: number): CropWindow {
  requireWhole("residues", residues, 1);
  requireWhole("limit", limit, 1);
  if (!(uniform >= 0 && uniform < 1)) {
    throw new VoxtwirlError("bad-option", `uniform is ${uniform}`, "Give a random number from 0 to below 1.");
  }
  const length = Math.min(residues, limit);
  return { start: Math.floor(uniform * (residues - length + 1)), length };
}

/**
 * Packs crops into padded rows of `length` residues, in nanometres: each crop's C-alphas less their centroid, over 10.
 *
 * Throws "bad-option" for no crops, a window outside of its chain or longer than `length`.
 */
export function packCrops(crops: readonly Crop[], length: number): PackedCrops {
  requireArray("crops", crops, "Give crops: { chain, start, length } each.");
  requireWhole("length", length, 1);
  if (crops.length === 0) throw new VoxtwirlError("bad-option", "no crops are given", "Give at least one.");
  const batch = crops.length;
  const positions = new Float32Array(3 * batch * length);
  const [mask, breaks] = [new Float32Array(batch * length), new Float32Array(batch * length)];
  crops.forEach((crop, row) => {
    checkCrop(crop, row, length);
    const { chain, start } = crop;
    const window = chain.positions.subarray(3 * start, 3 * (start + crop.length));
    positions.set(inNanometres(window), 3 * row * length);
    mask.fill(1, row * length, row * length + crop.length);
    // What comes after a crop's last residue is no part of it.
    breaks.set(chain.breaks.subarray(start, start + crop.length - 1), row * length);
  });
  const residues = new Uint32Array(batch);
  crops.forEach((crop, row) => (residues[row] = crop.length));
  return { batch, length, positions, mask, breaks, residues };
}

function checkCrop(crop: Crop, row: number, most: number): void {
  requireObject(`crop ${row}`, crop, "Give { chain, start, length }.");
  requireObject(`the chain of crop ${row}`, crop.chain, "Give a chain: of parsePdb, builtinBackbones or makeChain.");
  requireWhole(`the start of crop ${row}`, crop.start, 0);
  requireWhole(`the length of crop ${row}`, crop.length, 1, most);
  const residues = crop.chain.positions.length / 3;
  if (crop.start + crop.length > residues) {
    const last = crop.start + crop.length - 1;
    const message = `crop ${row} has residues ${crop.start} to ${last} of a chain of ${residues}`;
    throw new VoxtwirlError("bad-option", message, "Draw it by cropWindow.");
  }
}

/**
 * The places in Angstrom of a row's real residues, of a model's arrays in nanometres [batch, length, 3].
 *
 * Throws "bad-shape" where the arrays do not hold the row.
 */
export function unpackRow(positions: ArrayLike<number>, length: number, row: number, residues: number): Float64Array {
  requireWhole("length", length, 1);
  requireWhole("row", row, 0);
  requireWhole("residues", residues, 1, length);
  const start = 3 * row * length;
  if (!(start + 3 * length <= positions.length)) {
    const message = `row ${row} of ${length} residues is not in ${positions.length} coordinates`;
    throw new VoxtwirlError("bad-shape", message, "Give an array of [batch, length, 3].");
  }
  return Float64Array.from({ length: 3 * residues }, (_, i) => positions[start + i]! * ANGSTROM_PER_NM);
}
