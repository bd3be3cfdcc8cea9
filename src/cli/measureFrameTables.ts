import type { FrameMeasurement } from "../frames/frameMeasurement.ts";
import { takenAway, takenAwayStdErr } from "../frames/frameGains.ts";
import type { StructureTerm } from "../frames/structureTerm.ts";
import { ArrayFolder } from "./arrayFolder.ts";
import { versioned } from "./json.ts";

/**
 * Columns of the tables, squared ones of the squared error whatever the loss; `term` is a place in `tables.terms` of
 * figures.json, `part` in `tables.parts`.
 */
const COLUMNS = {
  structures: ["term", "frame", "predictions", "numbers", "squaredTotal", "squaredMean", "squaredEquiv"],
  copies: [
    ...["term", "frame", "copy", "angle", "squaredError", "squaredSpread"],
    ...["xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy", "zz"],
  ],
  angles: ["term", "from", "to", "copies", "rmse", "spreadRms"],
  parts: ["term", "part", "loss", "lossStdErr", "percent"],
  gains: ["term", "count", "cost", "percent", "percentStdErr", "rmse", "spreadRms"],
} as const;
type Table = keyof typeof COLUMNS;
const TABLES = Object.keys(COLUMNS) as Table[];

/** Numbers that wait to be written, at most about so many. */
const WAITING = 65_536;

/**
 * The folder of `--export` of frames: tables of float64, a row an entry, NaN where something is not known. Those of
 * structures and copies are written while these are measured.
 */
export class FrameTables {
  readonly #path: string;
  readonly #folder: ArrayFolder;
  readonly #terms: string[] = [];
  readonly #parts: string[] = [];
  readonly #rows = new Map<Table, number[]>(TABLES.map((name) => [name, []]));
  #ended = false;

  private constructor(path: string, folder: ArrayFolder) {
    this.#path = path;
    this.#folder = folder;
  }

  /** @throws VoxtwirlError as `ArrayFolder.create` */
  static async create(path: string): Promise<FrameTables> {
    const arrays = TABLES.map((name) => [name, { shape: [COLUMNS[name].length], type: "<f8" }] as const);
    return new FrameTables(path, await ArrayFolder.create(path, Object.fromEntries(arrays)));
  }

  readonly add = ({ term: name, frame, numbers, copies, ...losses }: StructureTerm): void => {
    const term = placeOf(name, this.#terms);
    const { lossTotal, lossMean, lossEquiv } = losses;
    this.#row("structures", [term, frame, copies.length, numbers, lossTotal, lossMean, lossEquiv]);
    for (const { copy, angle, loss, spread, rotation } of copies) {
      this.#row("copies", [term, frame, copy, angle, loss, spread, ...rotation]);
    }
  };

  /** Writes rows where enough are waiting. */
  async write(all = false): Promise<void> {
    for (const [name, rows] of this.#rows) {
      if (rows.length === 0 || (!all && rows.length < WAITING)) continue;
      await this.#folder.append(name, Float64Array.from(rows));
      rows.length = 0;
    }
  }

  /**
   * Completes the folder, and says so on stderr.
   *
   * @param figures what `--json` prints
   * @param files names and SHA-256 of what was read
   */
  async finish({ terms }: Pick<FrameMeasurement, "terms">, figures: object, files: object): Promise<void> {
    for (const [name, { byAngle, byDegree, byParity, gains }] of Object.entries(terms)) {
      const term = placeOf(name, this.#terms);
      for (const one of byAngle) {
        this.#row("angles", [term, one.from, one.to, one.copies, one.rmse ?? NaN, one.spreadRms ?? NaN]);
      }
      for (const one of [...byDegree, ...(byParity ?? [])]) {
        this.#row("parts", [term, placeOf(one.name, this.#parts), one.loss, one.lossStdErr, one.percent]);
      }
      for (const one of gains) {
        const { count, cost, rmse, spreadRms } = one;
        this.#row("gains", [term, count, cost, takenAway(one), takenAwayStdErr(one), rmse, spreadRms]);
      }
    }
    await this.write(true);
    const tables = { terms: this.#terms, parts: this.#parts, columns: COLUMNS };
    await this.#folder.finish({ ...versioned(figures), files, tables });
    this.#ended = true;
    process.stderr.write(`voxtwirl: exported ${TABLES.length} tables to ${this.#path}\n`);
  }

  /** Removes what there is of an export that was not finished, and says so on stderr. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#folder.discard();
  }

  #row(name: Table, values: readonly number[]): void {
    this.#rows.get(name)!.push(...values);
  }
}

/** Where a name is in a list; at its end where it was not there yet. */
function placeOf(name: string, names: string[]): number {
  const at = names.indexOf(name);
  return at >= 0 ? at : names.push(name) - 1;
}
