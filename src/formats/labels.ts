import { requireOneOf } from "../check.ts";
import type { Molecule } from "../molecules/molecule.ts";

/** A unit of energies; forces are in the same per Angstrom. */
export type LabelUnits = "eV" | "kcal/mol" | "Hartree" | "kJ/mol";

/** How the energies and forces of some records were taken. */
export interface LabelNote {
  units: LabelUnits;
  /** Whether the caller gave the unit, the file names it, or neither did. */
  source: "option" | "file" | "assumed";
  /** Records taken so. */
  records: number;
  /** What a file names as units that is not understood, of the first record where it does. */
  unclear?: string;
}

/** 4184 J over Avogadro's number and the elementary charge, exact since 2019. */
const kilocalorie = 0.0433641153087705;

/** In eV; the Hartree of CODATA 2018. */
const electronVolts: Record<LabelUnits, number> = {
  eV: 1,
  "kcal/mol": kilocalorie,
  Hartree: 27.211386245988,
  "kJ/mol": kilocalorie / 4.184,
};

/** As files write them, in lower case. */
const names: Record<string, LabelUnits> = {
  ev: "eV",
  "kcal/mol": "kcal/mol",
  "kj/mol": "kJ/mol",
  hartree: "Hartree",
  hartrees: "Hartree",
  ha: "Hartree",
  eh: "Hartree",
  "a.u.": "Hartree",
};
const lengths = /^(angstroms?|ang|a|\u00e5|\u212b)$/;

/**
 * The unit that a file's words name, such as "Hartree,Angstrom,Hartree/Angstrom"; "unclear" where they name other ones,
 * or several, or forces per another length. Undefined where they name lengths alone.
 */
export function unitsOf(text: string): LabelUnits | "unclear" | undefined {
  const words = text
    .slice(0, 200)
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter((word) => word !== "" && !lengths.test(word))
    .map((word) => word.replace(/\/(angstroms?|ang|a|\u00e5|\u212b)$/, ""));
  const found = new Set(words.map((word) => (Object.hasOwn(names, word) ? names[word]! : "unclear")));
  return found.size > 1 ? "unclear" : [...found][0];
}

/** Brings the labels of a file's records to eV, and notes how. */
export class LabelReading {
  readonly #asked: LabelUnits | undefined;
  readonly #assumed: LabelUnits;
  readonly #notes = new Map<string, LabelNote>();

  /**
   * @param asked the caller's unit, which goes before all others
   * @param assumed where neither caller nor file says
   * @throws VoxtwirlError "bad-option" for another unit
   */
  constructor(asked: LabelUnits | undefined, assumed: LabelUnits) {
    if (asked !== undefined) requireOneOf("labelUnits", asked, Object.keys(electronVolts));
    this.#asked = asked;
    this.#assumed = assumed;
  }

  /** Converts the labels of a molecule, if it has any; `told` is what its record names as their units. */
  convert(molecule: Molecule, told?: string): Molecule {
    if (molecule.energy === undefined && molecule.forces === undefined) return molecule;
    const file = told === undefined ? undefined : unitsOf(told);
    const unclear = file === "unclear" && this.#asked === undefined ? told : undefined;
    const named = file === "unclear" ? undefined : file;
    const source = this.#asked !== undefined ? "option" : named !== undefined ? "file" : "assumed";
    const units = this.#asked ?? named ?? this.#assumed;
    addLabelNotes(this.#notes, [{ units, source, records: 1, ...(unclear === undefined ? {} : { unclear }) }]);
    const factor = electronVolts[units];
    if (factor === 1) return molecule;
    if (molecule.energy !== undefined) molecule.energy *= factor;
    if (molecule.forces !== undefined) for (let i = 0; i < molecule.forces.length; i++) molecule.forces[i]! *= factor;
    return molecule;
  }

  notes(): LabelNote[] {
    return [...this.#notes.values()];
  }
}

/** A label as molecules have it: infinities are none. */
export function finite(value: number): number {
  return Number.isFinite(value) ? value : NaN;
}

/** Adds notes to those of the same unit and source. */
export function addLabelNotes(all: Map<string, LabelNote>, notes: readonly LabelNote[]): void {
  for (const note of notes) {
    const key = `${note.source} ${note.units}`;
    const known = all.get(key);
    if (known === undefined) all.set(key, { ...note });
    else {
      known.records += note.records;
      if (note.unclear !== undefined) known.unclear ??= note.unclear;
    }
  }
}

/** A sentence for each unit in which labels were taken without the caller's word. */
export function labelRemarks(notes: readonly LabelNote[]): string[] {
  return notes
    .filter(({ source, units }) => source === "assumed" || (source === "file" && units !== "eV"))
    .map(({ units, source, records, unclear }) => {
      const labels = `energies and forces of ${records} ${records === 1 ? "record" : "records"}`;
      const taken = `${labels} are taken as ${units} and ${units}/Angstrom`;
      if (source === "file") return `${taken}, as the file says, and converted to eV`;
      const why = units === "kcal/mol" ? "as in MD17 and rMD17" : "which is assumed";
      const words =
        unclear === undefined ? "" : `; its units ${JSON.stringify(unclear.slice(0, 60))} are not understood`;
      return `${taken}, ${why}${words} (labelUnits: another)`;
    });
}
