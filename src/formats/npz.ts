import { requireBytes } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { sourceOf, type ByteSource } from "./byteSource.ts";
import { inflateRaw } from "./inflate.ts";
import { finite, LabelReading } from "./labels.ts";
import { decodeNpyArray, type NpyArray } from "./npyArray.ts";
import type { Fail } from "./npyHeader.ts";
import { decodeNpyText } from "./npyText.ts";
import { latticeArray, npzArrays, twirlGroupArray, unitArrays, type ArrayNames } from "./npzNames.ts";
import { NpzFrames, type FrameArrays } from "./npzFrames.ts";
import { RecordCollector, type ParsedMolecules, type ParseOptions } from "./records.ts";
import { unzip, zipEntries, type Inflate, type ZipEntry } from "./zip.ts";

/** How an .npz file is read. */
export interface NpzOptions extends ParseOptions {
  /** Most bytes of the arrays that are read, unpacked; 1 GiB by default. */
  limit?: number | undefined;
  /** Unpacks what numpy.savez_compressed packed; by default the host's DecompressionStream. */
  inflate?: Inflate | undefined;
}

const defaultLimit = 2 ** 30;
const layout =
  "An .npz file of molecules has atomic numbers (n) and positions (frames, n, 3), and may have energies (frames) and " +
  "forces (frames, n, 3): as nuclear_charges, coords, energies, forces or z, R, E, F or numbers, positions, energy, " +
  "forces.";
const rewrite = "Write it again with numpy.savez(file, **arrays).";

/**
 * Reads the molecules of an .npz file, one a frame: atomic numbers (n), or (frames, n) where frames differ, 0 for no
 * atom; positions (frames, n, 3) in Angstrom; energies (frames) and forces (frames, n, 3) where there are any.
 *
 * Arrays are known by their names: those of rMD17 (nuclear_charges, coords, energies, forces), of MD17 (z, R, E, F),
 * and others that are usual (atomic_numbers, numbers, species; positions, coordinates, pos, coord; energy; force).
 * Numbers of all types and byte orders are read. Labels are taken in `labelUnits`, else in what e_unit or units says,
 * else as kcal/mol and kcal/mol/Angstrom by the names of MD17 and rMD17, and as eV and eV/Angstrom by others.
 *
 * A frame that cannot be used is left out; with `strict` it is an error.
 *
 * Throws "bad-file" with `file` where the bytes are no such file, or arrays do not agree; where they are more than
 * `limit`; and where no frame can be used.
 */
export async function parseNpz(
  bytes: Uint8Array,
  file = "npz file",
  options: NpzOptions = {},
): Promise<ParsedMolecules> {
  const { frames, labels, told } = await openNpz(bytes, file, options, false);
  const records = new RecordCollector(file, options);
  for (let i = 0; i < frames.count; i++) {
    records.add(() => labels.convert(toMolecule(frames.frame(i), `${file} frame ${i + 1}`), told));
  }
  return records.finish(layout, "fine", labels.notes());
}

/**
 * The frames of an .npz file, whose arrays are known by their names as `parseNpz` knows them, with `cell` (3, 3) or
 * (frames, 3, 3), vectors as rows, and `pbc` (3) or (frames, 3). Of
 * rotated copies, `twirl_frame` (frames), `twirl_rotation` (frames, 3, 3) and the like are values, as `rotateFrames`
 * leaves them. Labels are `energy`, `forces`, `stress` and `virial`, (frames, 3, 3), (frames, 9) or in Voigt's order
 * (frames, 6), in the file's units.
 *
 * @throws VoxtwirlError "bad-file" as `parseNpz` does, and for a `lattice`, whose vectors may be columns
 */
export async function openNpzFrames(
  bytes: Uint8Array,
  file = "npz file",
  options: Omit<NpzOptions, keyof ParseOptions> = {},
): Promise<NpzFrames> {
  return (await openNpz(bytes, file, options, true)).frames;
}

async function openNpz(bytes: Uint8Array, file: string, options: NpzOptions, withCells: boolean) {
  requireBytes("bytes", bytes);
  const fail = npzFail(file);
  const source = sourceOf(bytes);
  const entries = await zipEntries(source, fail);
  const { ofMd17, ...names } = requireArrays(entries, withCells, fail);
  const labels = new LabelReading(options.labelUnits, ofMd17 ? "kcal/mol" : "eV");
  const archive = new Archive(source, entries, options, fail);
  archive.checkSize(Object.values(names));
  const arrays: Partial<Record<keyof ArrayNames, NpyArray>> = {};
  for (const [key, name] of Object.entries(names)) arrays[key as keyof ArrayNames] = await archive.array(name);
  const twirlGroup = withCells ? await archive.text(twirlGroupArray) : undefined;
  return {
    frames: new NpzFrames({ ...(arrays as FrameArrays), twirlGroup }, names, fail),
    labels,
    told: await unitsTold(archive),
  };
}

/** What is said of an archive that is none, or not one of frames. */
export function npzFail(file: string): Fail {
  return (reason, fix = rewrite) => {
    throw new VoxtwirlError("bad-file", `${file} is not an .npz file that can be read: ${reason}`, fix);
  };
}

/**
 * The arrays that are read.
 *
 * @param withCells whether cells, stresses and what says of rotated copies which they are too
 * @throws what `fail` throws without atomic numbers or positions, and with cells that may be read in two ways
 */
export function requireArrays(
  entries: readonly ZipEntry[],
  withCells: boolean,
  fail: Fail,
): ArrayNames & { readonly ofMd17: boolean } {
  const files = entries.map(({ name }) => name);
  const { numbers, positions, ofMd17, ...others } = npzArrays(files);
  if (numbers === undefined || positions === undefined) {
    const what = numbers === undefined ? "atomic numbers" : "positions";
    const some = files.slice(0, 12).map((name) => name.slice(0, 40).replace(/\.npy$/, ""));
    return fail(`it has no array of ${what}; it has ${JSON.stringify(some)}`, layout);
  }
  if (withCells && files.includes(latticeArray)) {
    const fix = "Save it as cell, with the vectors as rows: cell=lattice.T for sGDML's.";
    fail("it has the array lattice, whose vectors may be rows or columns", fix);
  }
  const { energies, forces } = others;
  const labels = { ...(energies && { energies }), ...(forces && { forces }) };
  return { numbers, positions, ...(withCells ? others : labels), ofMd17 };
}

function toMolecule({ elements, positions, info, arrays }: NumberedFrame, name: string): Molecule {
  const [energy, forces] = [info.get("energy"), arrays.get("forces")];
  return {
    name,
    elements,
    positions,
    ...(typeof energy === "number" && { energy: finite(energy) }),
    ...(forces?.kind === "R" && { forces: forces.values.map(finite) }),
  };
}

/** What the file's texts say of units; undefined where there are none that can be read. */
async function unitsTold(archive: Archive): Promise<string | undefined> {
  const texts: string[] = [];
  for (const name of unitArrays) {
    const text = await archive.text(name);
    if (text !== undefined) texts.push(text);
  }
  return texts.length === 0 ? undefined : texts.join(",");
}

/** A text of a unit is no longer than this, in bytes with its header. */
const mostText = 4096;

/** Arrays of an archive by their names. */
class Archive {
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #inflate: Inflate;
  readonly #limit: number;
  readonly #fail: Fail;

  constructor(source: ByteSource, entries: readonly ZipEntry[], { inflate, limit }: NpzOptions, fail: Fail) {
    this.#source = source;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.#inflate = inflate ?? inflateRaw;
    this.#limit = limit ?? defaultLimit;
    this.#fail = fail;
  }

  /** Refuses arrays that are too large together, before any is unpacked. */
  checkSize(names: readonly string[]): void {
    const size = names.reduce((sum, name) => sum + this.#entries.get(name)!.size, 0);
    if (size <= this.#limit) return;
    this.#fail(`its arrays hold ${size} bytes, more than ${this.#limit}`, "Split the file, or take fewer frames.");
  }

  async array(name: string): Promise<NpyArray> {
    const fail = this.#failIn(name);
    return decodeNpyArray(await unzip(this.#source, this.#entries.get(name)!, this.#inflate, fail), fail);
  }

  /** A single text; undefined where the array is none. */
  async text(name: string): Promise<string | undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.size > mostText) return undefined;
    const fail = this.#failIn(name);
    return decodeNpyText(await unzip(this.#source, entry, this.#inflate, fail), fail);
  }

  #failIn(name: string): Fail {
    return (reason, fix) => this.#fail(`${JSON.stringify(name.slice(0, 60))}: ${reason}`, fix);
  }
}
