import { mapped, twin, type Twins } from "./twin.ts";

/** B chosen structures with n places for atoms each. */
export interface PlaceCase {
  readonly structures: number;
  readonly places: number;
}

interface Choice {
  readonly offsets: ArrayLike<number>;
  readonly chosen: ArrayLike<number>;
  readonly poses: ArrayLike<number>;
}

/** Calls `visit` with each atom of the chosen structures: its place in the batch and among all atoms. */
function eachAtom(
  { structures, places }: PlaceCase,
  { offsets, chosen }: Omit<Choice, "poses">,
  visit: (b: number, place: number, atom: number) => void,
): void {
  for (let b = 0; b < structures; b++) {
    const first = offsets[chosen[b]!]!;
    const count = Math.min(offsets[chosen[b]! + 1]! - first, places);
    for (let i = 0; i < count; i++) visit(b, b * places + i, first + i);
  }
}

/** Component a of R x for pose b. */
function turned(poses: ArrayLike<number>, b: number, x: ArrayLike<number>, at: number, a: number): number {
  const row = 12 * b + 3 * a;
  return poses[row]! * x[at]! + poses[row + 1]! * x[at + 1]! + poses[row + 2]! * x[at + 2]!;
}

/** Twin of shaders/structures/placeStructures.wgsl in float64. */
export function placeStructures(shape: PlaceCase, of: Choice & { readonly atoms: ArrayLike<number> }) {
  const all = shape.structures * shape.places;
  const [positions, posed] = [new Float64Array(4 * all), new Float64Array(4 * all)];
  const numbers = new Float64Array(all).fill(0xffffffff);
  const counts = new Float64Array(shape.structures);
  eachAtom(shape, of, (b, place, atom) => {
    for (let a = 0; a < 3; a++) {
      positions[4 * place + a] = of.atoms[4 * atom + a]!;
      posed[4 * place + a] = turned(of.poses, b, of.atoms, 4 * atom, a) + of.poses[12 * b + 9 + a]!;
    }
    numbers[place] = of.atoms[4 * atom + 3]!;
    counts[b]!++;
  });
  return { positions, posed, numbers, counts };
}

/** Twin of shaders/structures/placeTargets.wgsl in float64. */
export function placeTargets(
  shape: PlaceCase,
  of: Choice & { readonly forces: ArrayLike<number>; readonly energies: ArrayLike<number> },
) {
  const forceTargets = new Float64Array(3 * shape.structures * shape.places);
  eachAtom(shape, of, (b, place, atom) => {
    for (let a = 0; a < 3; a++) forceTargets[3 * place + a] = turned(of.poses, b, of.forces, 4 * atom, a);
  });
  return { forceTargets, energyTargets: mapped(of.chosen, (s) => of.energies[s]!) };
}

/** The sum of absolute errors times a scale, and its gradient, in float64. */
export function energyLoss(energies: ArrayLike<number>, targets: ArrayLike<number>, scale: number) {
  const errors = mapped(energies, (energy, b) => energy - targets[b]!);
  return {
    loss: errors.reduce((sum, error) => sum + scale * Math.abs(error), 0),
    gradEnergies: errors.map((error) => scale * Math.sign(error)),
  };
}

/** A scale times the mean norm of the errors of the atoms' forces, and its gradient, in float64. */
export function forceLoss(
  { structures, places }: PlaceCase,
  forces: ArrayLike<number>,
  targets: ArrayLike<number>,
  counts: ArrayLike<number>,
  scale: number,
) {
  const gradForces = new Float64Array(3 * structures * places);
  const each = scale / Array.from(counts).reduce((sum, count) => sum + count, 0);
  let loss = 0;
  for (let b = 0; b < structures; b++) {
    for (let i = 0; i < counts[b]!; i++) {
      const at = 3 * (b * places + i);
      const error = [0, 1, 2].map((a) => forces[at + a]! - targets[at + a]!);
      const norm = Math.hypot(...error);
      loss += each * norm;
      error.forEach((e, a) => (gradForces[at + a] = norm === 0 ? 0 : (each * e) / norm));
    }
  }
  return { loss, gradForces };
}

export const twins: Twins = {
  placeStructures: twin<"atoms" | "offsets" | "chosen" | "poses", keyof PlaceCase>((tensors, shape) => {
    return placeStructures(shape, tensors);
  }),
  placeTargets: twin<"forces" | "energies" | "offsets" | "chosen" | "poses", keyof PlaceCase>((tensors, shape) => {
    return placeTargets(shape, tensors);
  }),
  countAtoms: twin<"offsets" | "chosen" | "total", never>(({ offsets, chosen, total }) => {
    const atoms = Array.from(chosen, (s) => offsets[s + 1]! - offsets[s]!);
    return { total: [atoms.reduce((sum, count) => sum + count, total[0]!)] };
  }),
  energyLoss: twin<"energies" | "targets" | "loss", never>(({ energies, targets, loss }) => {
    const result = energyLoss(energies, targets, 0.25);
    return { gradEnergies: result.gradEnergies, loss: [loss[0]! + result.loss] };
  }),
  forceLoss: twin<"forces" | "targets" | "counts" | "loss", keyof PlaceCase>(
    ({ forces, targets, counts, loss }, shape) => {
      const result = forceLoss(shape, forces, targets, counts, 100);
      return { gradForces: result.gradForces, loss: [loss[0]! + result.loss] };
    },
  ),
};
