/** Which of a frame's values and columns are energies, forces, stresses and virials. */
import type { Frame, InfoValue } from "../molecules/frame.ts";
import { requireFrame } from "./checkFrame.ts";

/** What a model may be asked to predict. */
export type LabelKind = "energy" | "forces" | "stress" | "virial";

/** Names of labels where the rule does not find them, or finds others. */
export type LabelNames = { readonly [kind in LabelKind]?: string | undefined };

/** The labels of a frame, in the file's own units; undefined where there is none, NaN where it cannot be used. */
export interface FrameLabels {
  readonly energy?: number;
  /** (n, 3) */
  readonly forces?: Float64Array;
  /** (3, 3) */
  readonly stress?: Float64Array;
  /** (3, 3) */
  readonly virial?: Float64Array;
}

interface Rule {
  /** Names in lower case, the first first. */
  readonly first: readonly string[];
  /** All others that are such labels, as they stand in the file. */
  readonly others: RegExp;
}

const rules: Readonly<Record<LabelKind, Rule>> = {
  energy: {
    first: ["energy", "ref_energy", "dft_energy", "potential_energy", "free_energy", "total_energy"],
    others: /energy$/,
  },
  forces: {
    first: ["forces", "force", "ref_forces", "ref_force", "dft_forces", "dft_force"],
    others: /forces?$/,
  },
  stress: { first: ["stress", "ref_stress", "dft_stress"], others: /stress$/ },
  virial: {
    first: ["virial", "virials", "ref_virial", "ref_virials", "dft_virial", "dft_virials"],
    others: /virials?$/,
  },
};

/** Parts of a whole, and what does not come from where the atoms are. */
const parts = /kinetic|zero_?point|dispersion|repulsion/;

/** Among which names a kind was looked for last, and what was found: as a rule all frames of a file have the same. */
const last = new Map<LabelKind, { readonly names: readonly string[]; readonly found: string | undefined }>();

/** The name among `names` that is such a label, as it is written there; undefined where none is. */
export function labelName(kind: LabelKind, names: readonly string[]): string | undefined {
  const known = last.get(kind);
  if (known?.names.length === names.length && known.names.every((name, i) => name === names[i])) return known.found;
  const byLower = new Map<string, string>();
  for (const name of names) if (!byLower.has(name.toLowerCase())) byLower.set(name.toLowerCase(), name);
  const { first, others } = rules[kind];
  const found = first.find((name) => byLower.has(name));
  const any = () => [...byLower.keys()].find((name) => others.test(name) && !parts.test(name));
  const result = byLower.get(found ?? any() ?? "");
  last.set(kind, { names, found: result });
  return result;
}

/** Whether a name is that of an energy, of forces, a stress or a virial, or of a part of one. */
export function isLabelName(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    /energies$/.test(lower) ||
    Object.values(rules).some(({ first, others }) => first.includes(lower) || others.test(lower))
  );
}

/**
 * The labels of a frame: forces from a column of three real numbers, the others from its values. A name in `names`
 * stands for the rule: `energy`, REF_energy, dft_energy, potential_energy, free_energy, total_energy, the first of
 * these that is there in any case of letters, else the first that ends in energy and is no part of one (kinetic, zero
 * point, dispersion, repulsion); so for forces or force, stress, and virial or virials.
 *
 * Stress and virial are nine numbers, or the six of a symmetric one in Voigt's order: xx yy zz yz xz xy.
 *
 * @throws VoxtwirlError "bad-option" for what is no frame
 */
export function frameLabels(frame: Frame, names: LabelNames = {}): FrameLabels {
  requireFrame(frame);
  const { info, arrays } = frame;
  const said: string[] = [];
  // A word without a value says nothing.
  for (const [name, value] of info) if (value !== true) said.push(name);
  const valueOf = (kind: LabelKind) => {
    const value = info.get(names[kind] ?? labelName(kind, said) ?? "");
    return value === true ? undefined : value;
  };
  const vectors: string[] = [];
  for (const [name, { kind, width }] of arrays) if (kind === "R" && width === 3) vectors.push(name);
  const column = arrays.get(names.forces ?? labelName("forces", vectors) ?? "");
  const forces = column?.kind === "R" && column.width === 3 ? column.values : undefined;
  const [energy, stress, virial] = [valueOf("energy"), valueOf("stress"), valueOf("virial")];
  return {
    ...(energy === undefined ? {} : { energy: typeof energy === "number" ? energy : NaN }),
    ...(forces === undefined ? {} : { forces }),
    ...(stress === undefined ? {} : { stress: tensor(stress) }),
    ...(virial === undefined ? {} : { virial: tensor(virial) }),
  };
}

/** (3, 3) of nine numbers, nested or not, or of six in Voigt's order; NaN of anything else. */
export function tensor(value: InfoValue): Float64Array {
  const flat = flatNumbers(value);
  if (flat?.length === 9) return Float64Array.from(flat);
  if (flat?.length !== 6) return new Float64Array(9).fill(NaN);
  const [xx, yy, zz, yz, xz, xy] = flat as [number, number, number, number, number, number];
  return Float64Array.of(xx, xy, xz, xy, yy, yz, xz, yz, zz);
}

/** The numbers of an array, nested ones in their order; undefined where something else is among them. */
export function flatNumbers(value: InfoValue | undefined): number[] | undefined {
  if (typeof value === "number") return [value];
  if (!Array.isArray(value)) return undefined;
  const items = value as readonly InfoValue[];
  if (items.every((item) => typeof item === "number")) return items as number[];
  const found = items.map(flatNumbers);
  return found.includes(undefined) ? undefined : found.flatMap((one) => one!);
}
