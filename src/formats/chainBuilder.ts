import { BREAK_DISTANCE, chainName, makeChain, type Chain } from "../proteins/chain.ts";
import { isWater, residueCode } from "../proteins/residues.ts";
import { chainRemarks, type ParseChainsOptions, type ParsedChains } from "./chainNotes.ts";
import { VoxtwirlError } from "../errors.ts";
import { parseCoordinate, parseNumber, quoted } from "./lines.ts";
import { leaveOut, NothingUsable, Unusable, type LeftOut } from "./records.ts";

/** An atom as a file has it. Texts are trimmed; atom, element and residue are in capitals. */
export interface AtomSite {
  readonly line: number;
  /** Of the model, from 0, in the order of the entry. */
  readonly modelIndex: number;
  readonly model: number;
  /** What atoms of one chain of a model share. */
  readonly chainKey: string;
  readonly chain: string;
  readonly residue: string;
  /** Undefined where it cannot be read. */
  readonly number: number | undefined;
  readonly insertionCode: string;
  readonly alternate: string;
  /** Whether it is a HETATM. */
  readonly hetero: boolean;
  /** Whether its residue is part of the chain's polymer; undefined where the file does not tell. */
  readonly polymer: boolean | undefined;
  readonly isAlpha: boolean;
  readonly coordinates: readonly string[];
  readonly occupancy: string;
}

interface Place {
  readonly position: readonly [number, number, number];
  readonly occupancy: number;
  readonly residue: string;
}

interface Residue {
  readonly id: string;
  readonly name: string;
  readonly site: Pick<AtomSite, "line" | "number" | "insertionCode" | "hetero" | "polymer">;
  /** Of its C-alpha: the one of highest occupancy, of several the first. */
  place: Place | undefined;
  faulty: boolean;
}

interface PendingChain {
  readonly names: Pick<Chain, "entry" | "chain" | "model">;
  readonly residues: Residue[];
  readonly byId: Map<string, Residue>;
  /** Whether a TER came after it. */
  ended: boolean;
}

/** A second C-alpha of one residue that is nearer than this, in Angstrom, is another place of the first. */
const sameResidue = 2.5;

/** What is left out of chains, in the order in which it is told. */
const reasons = {
  coordinates: "C-alphas with coordinates that are no numbers",
  alternates: "other places of a C-alpha",
  missing: "residues without a C-alpha",
  apart: "residues with a C-alpha apart from the chain",
  hetero: "ligands and ions",
  water: "water molecules",
} as const;

/** Makes chains of a file's atoms by the rules that PDB and mmCIF share (docs/proteins.md). */
export class ChainBuilder {
  readonly #file: string;
  readonly #strict: boolean;
  readonly #allModels: boolean;
  readonly #chains: Chain[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #passedOver = new Map<string, LeftOut>();
  #entry: string | undefined;
  #pending = new Map<string, PendingChain>();
  #otherModels = new Map<string, number>();
  #records = 0;
  #first: Unusable | undefined;

  constructor(file: string, { strict = false, models = "first" }: ParseChainsOptions) {
    this.#file = file;
    this.#strict = strict;
    this.#allModels = models === "all";
  }

  /** Ends the entry, if one has begun, and begins the next. */
  begin(entry?: string): void {
    this.#finishEntry();
    this.#entry = entry;
  }

  /** A TER: the chain's polymer ends here. */
  endChain(modelIndex: number, chainKey: string): void {
    const chain = this.#pending.get(`${modelIndex} ${chainKey}`);
    if (chain !== undefined) chain.ended = true;
  }

  add(site: AtomSite): void {
    const key = `${site.modelIndex} ${site.chainKey}`;
    if (site.modelIndex > 0 && !this.#allModels) {
      if (site.isAlpha && !this.#otherModels.has(key)) this.#otherModels.set(key, site.model);
      return;
    }
    let chain = this.#pending.get(key);
    if (chain === undefined) this.#pending.set(key, (chain = this.#newChain(site)));
    const residue = residueOf(chain, site);
    if (site.isAlpha) this.#addAlpha(residue, site);
  }

  #newChain({ chain, modelIndex, model }: AtomSite): PendingChain {
    const entry = this.#entry === undefined ? {} : { entry: this.#entry };
    const names = { ...entry, chain, ...(modelIndex > 0 ? { model } : {}) };
    return { names, residues: [], byId: new Map(), ended: false };
  }

  #addAlpha(residue: Residue, site: AtomSite): void {
    const place = readPlace(site);
    if (place instanceof Unusable) {
      if (this.#strict) throw place.toError(this.#file);
      this.#first ??= place;
      residue.faulty = true;
      leaveOut(this.#passedOver, reasons.coordinates, [{ line: site.line, message: place.message }]);
      return;
    }
    if (residue.place !== undefined) {
      const message = `another place of residue ${titleOf(residue)}`;
      leaveOut(this.#passedOver, reasons.alternates, [{ line: site.line, message }]);
    }
    if (residue.place === undefined || place.occupancy > residue.place.occupancy) residue.place = place;
  }

  #finishEntry(): void {
    for (const chain of this.#pending.values()) this.#finishChain(chain);
    this.#pending = new Map();
    for (const model of this.#otherModels.values()) {
      this.#records++;
      const message = `model ${model}${this.#entry === undefined ? "" : ` of ${this.#entry}`} is not the first`;
      leaveOut(this.#leftOut, "models after the first", [{ record: this.#records, message }]);
    }
    this.#otherModels = new Map();
  }

  #finishChain(chain: PendingChain): void {
    const kept = chain.residues.filter((residue, i) => residue.place !== undefined && isLinked(chain, residue, i));
    const isPart = ({ site: { hetero, polymer }, name }: Residue) => polymer ?? (!hetero && !isWater(name));
    const parts = chain.residues.filter(isPart);
    if (kept.length > 0 || parts.length > 0) this.#records++;
    if (kept.length > 0) this.#chains.push(chainOf(chain, kept));
    else if (parts.length > 0) this.#leaveOutChain(chain, parts);
    const keptSet = new Set(kept);
    for (const residue of chain.residues) {
      if (keptSet.has(residue) || residue.faulty || (kept.length === 0 && isPart(residue))) continue;
      this.#passOver(residue, isPart(residue));
    }
  }

  #leaveOutChain(chain: PendingChain, parts: readonly Residue[]): void {
    const { line } = parts[0]!.site;
    const faulty = parts.some((residue) => residue.faulty);
    const name = chainName(chain.names);
    const message = `${name === "" ? "the chain" : `chain ${name}`} has no C-alpha${faulty ? " that can be read" : ""}`;
    const reason = "chains without C-alpha atoms";
    const fault = new Unusable(reason, line, message, "Give proteins: nucleic acids and sugars have no C-alphas.");
    if (this.#strict) throw fault.toError(this.#file);
    this.#first ??= fault;
    leaveOut(this.#leftOut, reason, [{ record: this.#records, line, message }]);
  }

  #passOver(residue: Residue, isPart: boolean): void {
    const { name, site } = residue;
    const other = site.hetero || site.polymer === false ? reasons.hetero : reasons.missing;
    const reason = isWater(name)
      ? reasons.water
      : residue.place !== undefined
        ? reasons.apart
        : isPart || residueCode(name) !== "X"
          ? reasons.missing
          : other;
    leaveOut(this.#passedOver, reason, [{ line: site.line, message: `residue ${titleOf(residue)}` }]);
  }

  /**
   * What was read.
   *
   * @throws VoxtwirlError "bad-file" where nothing was
   */
  finish(layout: string): ParsedChains {
    this.#finishEntry();
    const leftOut = [...this.#leftOut.values()];
    if (this.#chains.length === 0) {
      if (this.#first !== undefined) throw new NothingUsable(this.#file, this.#first, this.#records, leftOut);
      const what = this.#passedOver.size > 0 ? "no chain of a protein, only water, ligands or ions" : "no atoms";
      throw new VoxtwirlError("bad-file", `${this.#file} holds ${what}`, layout);
    }
    const passedOver = Object.values(reasons).flatMap((reason) => this.#passedOver.get(reason) ?? []);
    const remarks = chainRemarks(this.#chains);
    return Object.assign(this.#chains, { records: this.#records, leftOut, passedOver, remarks });
  }
}

function titleOf({ name, site }: Residue): string {
  return `${name} ${site.number ?? "?"}${site.insertionCode}`;
}

/** The residue that an atom belongs to: the one before's or, of another place, that of its number; else a new one. */
function residueOf(chain: PendingChain, site: AtomSite): Residue {
  const id = `${site.number ?? ""} ${site.insertionCode}`;
  const last = chain.residues.at(-1);
  if (site.alternate !== "") {
    const same = chain.byId.get(id);
    if (same !== undefined) return same;
  } else if (last?.id === id && last.name === site.residue && !isAnother(last, site)) return last;
  const { line, number, insertionCode, hetero, polymer } = site;
  const part = { line, number, insertionCode, hetero, polymer };
  const residue: Residue = { id, name: site.residue, site: part, place: undefined, faulty: false };
  chain.residues.push(residue);
  chain.byId.set(id, residue);
  return residue;
}

/** Whether a C-alpha is another residue's than the last, though number and name are the same: it is too far away. */
function isAnother(last: Residue, site: AtomSite): boolean {
  if (!site.isAlpha || last.place === undefined) return false;
  const place = readPlace(site);
  return !(place instanceof Unusable) && distance(last.place, place) > sameResidue;
}

function readPlace(site: AtomSite): Place | Unusable {
  const [x, y, z] = site.coordinates.map(parseCoordinate);
  if (x === undefined || y === undefined || z === undefined) {
    const found = quoted(site.coordinates.join(" "));
    const message = `expected three coordinates in Angstrom for the C-alpha of ${site.residue}, found ${found}`;
    return new Unusable(reasons.coordinates, site.line, message, "Are the columns where the format has them?");
  }
  const occupancy = site.occupancy === "" ? 1 : parseNumber(site.occupancy);
  return { position: [x, y, z], occupancy: Number.isNaN(occupancy) ? 1 : occupancy, residue: site.residue };
}

function distance(a: Place, b: Place): number {
  const [x, y, z] = [0, 1, 2].map((k) => a.position[k]! - b.position[k]!) as [number, number, number];
  return Math.sqrt(x * x + y * y + z * z);
}

/**
 * Whether a residue with a C-alpha is part of its chain: an ATOM; a HETATM with a letter where the file says so, as
 * mmCIF's sequence numbers and PDB's TER do; where it does not tell, and of residues without a letter, one that is next
 * to another C-alpha of the chain.
 */
function isLinked(chain: PendingChain, residue: Residue, i: number): boolean {
  const { hetero, polymer } = residue.site;
  if (polymer === false) return false;
  if (!hetero) return true;
  if ((polymer ?? chain.ended) && residueCode(residue.name) !== "X") return true;
  const near = (other: Residue | undefined) =>
    other?.place !== undefined && distance(residue.place!, other.place) <= BREAK_DISTANCE;
  return near(chain.residues[i - 1]) || near(chain.residues[i + 1]);
}

function chainOf({ names }: PendingChain, kept: readonly Residue[]): Chain {
  const numbers = new Int32Array(kept.length);
  kept.forEach(({ site }, i) => (numbers[i] = site.number ?? (i === 0 ? 1 : numbers[i - 1]! + 1)));
  return makeChain({
    ...names,
    positions: Float64Array.from(kept.flatMap(({ place }) => place!.position)),
    residues: kept.map(({ place }) => place!.residue),
    numbers,
    insertionCodes: kept.map(({ site }) => site.insertionCode),
  });
}
