/** Which columns and values of a frame its rotated copies keep. */
import { rotatePoints, type Rotation } from "../equivariance/groups.ts";
import { VoxtwirlError } from "../errors.ts";
import { isLabelName } from "../formats/frameLabels.ts";
import type { Frame, FrameColumn, InfoValue } from "../molecules/frame.ts";
import { isTwirlKey } from "./twirlKeys.ts";

/** Numbers that are known to say what is calculated, not what came out, in lower case. */
const inputValues = ["charge", "total_charge", "spin", "total_spin", "multiplicity", "spin_multiplicity"];
const inputColumns = ["initial_charges", "initial_magmoms", "mass", "masses"];

/** Part of a frame: how it changes with a rotation. */
export type Turned<T> = (rotation: Rotation) => T;

/**
 * What copies keep: texts, truth values and whole numbers of atoms; charge, spin and multiplicity; initial charges and
 * moments, and masses; and what is named. All other numbers may be labels, and are left out.
 */
export class Keeping {
  readonly #names: readonly string[];
  /** Names of what was left out. */
  readonly leftOut = new Set<string>();
  /** Names that were asked for and were there. */
  readonly found = new Set<string>();

  /** @throws VoxtwirlError "bad-option" for a name that is one of energies, forces, stresses or virials */
  constructor(names: readonly string[]) {
    const label = names.find(isLabelName);
    if (label !== undefined) {
      const message = `${JSON.stringify(label)} is a label, which a copy would show as its prediction`;
      throw new VoxtwirlError("bad-option", message, "Leave it out; what is measured is compared with the original.");
    }
    this.#names = names;
  }

  columns({ arrays }: Frame): [name: string, turned: Turned<FrameColumn>][] {
    return [...arrays].flatMap(([name, column]): [string, Turned<FrameColumn>][] => {
      const known = column.kind !== "R" || (column.width === 1 && inputColumns.includes(name.toLowerCase()));
      if (!this.#keeps(name, known)) return [];
      if (known || column.width === 1) return [[name, () => column]];
      if (column.width === 3) {
        return [[name, (rotation) => ({ ...column, values: rotatePoints(rotation, column.values) })]];
      }
      throw unturned(name, column.width);
    });
  }

  values({ info }: Frame): [name: string, turned: Turned<InfoValue>][] {
    return [...info].flatMap(([name, value]): [string, Turned<InfoValue>][] => {
      if (isTwirlKey(name)) return [];
      const known = hasNoNumbers(value) || (typeof value === "number" && inputValues.includes(name.toLowerCase()));
      if (!this.#keeps(name, known)) return [];
      if (known || typeof value === "number") return [[name, () => value]];
      const items = Array.isArray(value) ? (value as readonly InfoValue[]) : [];
      if (items.length === 3 && items.every((item) => typeof item === "number")) {
        const vector = Float64Array.from(items);
        return [[name, (rotation) => [...rotatePoints(rotation, vector)]]];
      }
      throw unturned(name, items.length);
    });
  }

  #keeps(name: string, known: boolean): boolean {
    const asked = this.#names.includes(name);
    if (asked) this.found.add(name);
    const kept = asked || (known && !isLabelName(name));
    if (!kept) this.leftOut.add(name);
    return kept;
  }
}

function hasNoNumbers(value: InfoValue): boolean {
  if (Array.isArray(value)) return (value as readonly InfoValue[]).every(hasNoNumbers);
  return typeof value === "string" || typeof value === "boolean";
}

function unturned(name: string, size: number): VoxtwirlError {
  const message = `${JSON.stringify(name)} cannot be kept: how its ${size} numbers turn is not known`;
  return new VoxtwirlError("bad-option", message, "Single numbers are kept as they are, and three turn as a vector.");
}
