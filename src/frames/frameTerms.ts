/** What of a frame is measured, and how it turns. */
import { determinant } from "../equivariance/matrices.ts";
import { inverseRotation, so3, type Rotation, type RotationGroup } from "../equivariance/groups.ts";
import { flatNumbers, tensor, type FrameLabels } from "../formats/frameLabels.ts";
import type { Frame } from "../molecules/frame.ts";
import { VoxtwirlError } from "../errors.ts";

/** Names of values of the comment line or of columns that are measured beside energies, forces, stress and virial. */
export interface TermNames {
  /** Numbers that no rotation changes. */
  readonly scalars?: readonly string[] | undefined;
  /** Three numbers each, v' = R v: dipoles, velocities. */
  readonly vectors?: readonly string[] | undefined;
  /** Three numbers each, v' = det(R) R v: torques, magnetic moments. Reflections tell them from vectors. */
  readonly pseudovectors?: readonly string[] | undefined;
  /** Nine numbers each, or six of symmetric ones in Voigt's order xx yy zz yz xz xy: t' = R t R^T. */
  readonly tensors?: readonly string[] | undefined;
}

/** The numbers of a term in one frame. */
export interface TermValues {
  readonly values: Float64Array;
  /** Whether they are of atoms, one after another. */
  readonly perAtom: boolean;
}

export interface FrameTerm {
  readonly name: string;
  readonly how: "scalars" | "vectors" | "tensors";
  /** Turned by det(R) R. */
  readonly pseudo?: boolean;
  /** Energies, of which elements have a share: of the structure, or by atom. */
  readonly energy?: "whole" | "perAtom";
  /** Numbers that have one length together: 3 of a vector. */
  readonly size: number;
  /** The unit as one of energy makes it; none where that does not say it. */
  readonly unit?: (energy: string) => string;
  of(frame: Frame, labels: FrameLabels): TermValues | undefined;
}

const whole = (values: Float64Array | undefined) => values && { values, perAtom: false };

const labelTerms: readonly FrameTerm[] = [
  {
    ...({ name: "energy", how: "scalars", energy: "whole", size: 1 } as const),
    unit: (energy) => energy,
    of: (_, { energy }) => (energy === undefined ? undefined : whole(Float64Array.of(energy))),
  },
  {
    ...({ name: "energyPerAtom", how: "scalars", energy: "perAtom", size: 1 } as const),
    unit: (energy) => energy,
    of: ({ elements }, { energy }) =>
      energy === undefined ? undefined : whole(Float64Array.of(energy / elements.length)),
  },
  {
    ...({ name: "forces", how: "vectors", size: 3 } as const),
    unit: (energy) => `${energy}/Angstrom`,
    of: (_, { forces }) => forces && { values: forces, perAtom: true },
  },
  { name: "stress", how: "tensors", size: 9, of: (_, { stress }) => whole(stress) },
  {
    ...({ name: "virial", how: "tensors", size: 9 } as const),
    unit: (energy) => energy,
    of: (_, { virial }) => whole(virial),
  },
];

/** All terms, those of labels first. @throws VoxtwirlError "bad-option" where two have the same name */
export function frameTerms(names: TermNames): FrameTerm[] {
  const named = (list: readonly string[] = [], how: FrameTerm["how"], size: number, pseudo = false): FrameTerm[] =>
    list.map((name) => ({ name, how, size, pseudo, of: (frame) => namedValues(frame, name, how) }));
  const terms = [
    ...labelTerms,
    ...named(names.scalars, "scalars", 1),
    ...named(names.vectors, "vectors", 3),
    ...named(names.pseudovectors, "vectors", 3, true),
    ...named(names.tensors, "tensors", 9),
  ];
  const doubled = terms.find(({ name }, i) => terms.findIndex((one) => one.name === name) < i);
  if (doubled === undefined) return terms;
  const message = `${JSON.stringify(doubled.name)} is measured twice`;
  throw new VoxtwirlError("bad-option", message, "Energy, forces, stress and virial are measured without a name.");
}

/** How all rotations act: made once. */
let all: RotationGroup | undefined;

/** A prediction for a copy as it is for the frame itself. */
export function turnedBack({ how, pseudo }: FrameTerm, rotation: Rotation, values: Float64Array): Float64Array {
  all ??= so3();
  const back = all.act(inverseRotation(rotation), values, { kind: how }) as Float64Array;
  return pseudo && determinant(rotation) < 0 ? back.map((value) => -value) : back;
}

/** A column of numbers, or a value; NaN of such as do not turn so. */
function namedValues(frame: Frame, name: string, how: FrameTerm["how"]): TermValues | undefined {
  const column = frame.arrays.get(name);
  if (column !== undefined) {
    const { kind, width } = column;
    if (kind !== "R" && kind !== "I") return { values: Float64Array.of(NaN), perAtom: true };
    const rows = Array.from({ length: frame.elements.length }, (_, i) => [
      ...column.values.subarray(i * width, (i + 1) * width),
    ]);
    return { values: Float64Array.from(rows.flatMap((row) => turning(row, how))), perAtom: true };
  }
  const value = frame.info.get(name);
  if (value === undefined) return undefined;
  return { values: Float64Array.from(turning(flatNumbers(value) ?? [], how)), perAtom: false };
}

function turning(numbers: readonly number[], how: FrameTerm["how"]): readonly number[] {
  if (how === "tensors") return [...tensor(numbers)];
  return numbers.length > 0 && (how === "scalars" || numbers.length % 3 === 0) ? numbers : [NaN];
}
