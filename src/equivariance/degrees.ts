import { requireArray, requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { requireRotationGroup, type Rotation, type RotationGroup } from "./groups.ts";
import { cyclicIrreps, mirrorIrreps, octahedralIrreps, so3Irreps, withInversion, type Irreps } from "./irreps.ts";
import { relativeRotation } from "./matrices.ts";
import { requireFitting } from "./numbers.ts";
import { requireElements } from "./requireElements.ts";

/** The rotations of one sample's twisted predictions. */
export interface DegreeOptions {
  /** octahedral(), fullOctahedral(), mirrors(), cyclic2(), cyclic4(), so3(), o3() or quadrature(). */
  readonly group: RotationGroup | (() => RotationGroup);
  /** T_i of each prediction: different elements of a finite group, all of a quadrature, else independent draws. */
  readonly rotations: readonly Rotation[];
  /**
   * The highest l, of so3(), o3() and quadrature() alone; by default `resolvedDegree` of draws, and half the degree of
   * a quadrature, above which nothing can be told apart.
   */
  readonly degree?: number | undefined;
}

/** One part of L_equiv. */
export interface DegreePart {
  /**
   * l of SO(3); with g (even) or u (odd under inversion) of O(3); A1, A2, E, T1, T2 of the cube's rotations, with g or
   * u of its 48 symmetries; the axes whose reversal changes its sign, of mirrors; how often the phase turns, of
   * rotations about an axis.
   */
  readonly name: string;
  /** l, of SO(3) and O(3). */
  readonly degree?: number;
  readonly value: number;
}

/** L_equiv of one sample by irreducible representations, summed over its numbers: equiv = parts + remainder. */
export interface DegreeParts {
  readonly parts: readonly DegreePart[];
  /** What lies above the highest degree; 0 for finite groups. */
  readonly remainder: number;
  /** L_equiv of the squared error, as `decomposeSums` estimates it. */
  readonly equiv: number;
  /** L_mean, the part of degree 0. */
  readonly mean: number;
}

/**
 * L_equiv of the squared error by how twisted predictions F(R) = R^-1 f(R x) turn. As functions on the group they are
 * the sum of their projections (Peter and Weyl)
 *
 *     F_l(R) = d_l integral chi_l(R S^-1) F(S) dS
 *
 * onto irreducible representations, chi_l the character and d_l the dimension, for SO(3) 2l + 1. F_0 is mu, and L_equiv
 * is the sum over the others of P_l = E |F_l|^2, none of which is negative. It is estimated from
 * d_l chi_l(R_i R_j^-1) <F_i - y, F_j - y>; that the target is taken away changes F_0 alone, and lowers the variance.
 *
 * - Independent draws: the mean over all pairs i != j, which is unbiased, and so may be negative. What is above the
 *   highest degree is the remainder.
 * - N different elements of a group of M: (M - 1)/M of that mean and 1/M of the mean over i = j, unbiased; from all
 *   elements it is P_l itself. Nothing remains.
 * - A quadrature: the weighted sum over all pairs, exact where F has no degree above the highest that is told apart.
 *
 * @param predictions N twisted predictions of one sample, one after another, each as long as the target
 * @throws VoxtwirlError "bad-option" for a group whose representations are not known, rotations that are not of it, or
 *   a degree that cannot be; "bad-shape" where the lengths do not fit, "not-finite" where a number is not
 */
export function degreeParts(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  options: DegreeOptions,
): DegreeParts {
  requireObject("options", options, "Give { group, rotations }.");
  const { rotations, degree } = options;
  const group = requireRotationGroup(options.group);
  requireArray("rotations", rotations, "Give a matrix of nine numbers for each prediction.");
  requireFitting(predictions, target, rotations.length);
  const irreps = irrepsOf(group, rotations.length, degree);
  requireElements(group, rotations);
  const { same, powers } = powersOf(offsets(predictions, target), rotations, irreps, group);
  const [mean, ...others] = powers as [number, ...number[]];
  const parts = others.map((value, k): DegreePart => {
    const l = irreps.degrees?.[k + 1];
    return { name: irreps.names[k + 1]!, ...(l !== undefined && { degree: l }), value };
  });
  const equiv = same - mean;
  const remainder = irreps.degrees ? others.reduce((left, value) => left - value, equiv) : 0;
  return { parts, remainder, equiv, mean };
}

/** L_equiv of F without the degrees above one, from lower degrees to higher; the last is without the remainder. */
export function quadratureSteps(of: Pick<DegreeParts, "parts">): { degree: number; equiv: number }[] {
  requireObject("of", of, "Give what degreeParts gives.");
  const { parts } = of;
  requireArray("parts", parts, "Give what degreeParts gives.");
  const degrees = [...new Set(parts.flatMap(({ degree }) => degree ?? []))].sort((a, b) => a - b);
  return degrees.map((degree) => ({
    degree,
    equiv: parts.reduce((sum, part) => ((part.degree ?? Infinity) <= degree ? sum + part.value : sum), 0),
  }));
}

/**
 * Up to which l independent draws of each sample tell degrees apart: there have to be as many as functions on the group
 * up to that degree, (l + 1)(2l + 1)(2l + 3)/3 of SO(3) (10, 35, 84, 165 for l = 1, 2, 3, 4) and twice as many of O(3).
 * With fewer the standard error of P_l is about the loss times (2l + 1)/draws, above most of what there is to find.
 */
export function resolvedDegree(draws: number, { inversion = false }: { readonly inversion?: boolean } = {}): number {
  requireWhole("draws", draws, 1);
  const functions = (l: number) => ((inversion ? 2 : 1) * (l + 1) * (2 * l + 1) * (2 * l + 3)) / 3;
  let l = 0;
  while (functions(l + 1) <= draws) l++;
  return l;
}

function finiteIrreps(name: string): Irreps | undefined {
  if (name === "octahedral") return octahedralIrreps;
  if (name === "full-octahedral") return withInversion(octahedralIrreps);
  if (name === "mirrors") return mirrorIrreps;
  const cyclic = /^cyclic([24])-([xyz])$/.exec(name);
  return cyclic ? cyclicIrreps(Number(cyclic[1]), "xyz".indexOf(cyclic[2]!)) : undefined;
}

/** Whether `degreeParts` knows the irreducible representations of a group. */
export function hasIrreps({ name }: Pick<RotationGroup, "name">): boolean {
  return finiteIrreps(name) !== undefined || /^(so3|o3|quadrature-\d+)$/.test(name);
}

function irrepsOf({ name }: RotationGroup, draws: number, degree: number | undefined): Irreps {
  const finite = finiteIrreps(name);
  if (finite !== undefined) {
    if (degree === undefined) return finite;
    throw new VoxtwirlError("bad-option", `the group ${name} has no degrees`, "Leave degree out: all parts are given.");
  }
  const half = /^quadrature-(\d+)$/.exec(name);
  const most = half ? Math.floor(Number(half[1]) / 2) : undefined;
  if (most === undefined && name !== "so3" && name !== "o3") {
    const message = `the irreducible representations of the group ${name} are not known`;
    throw new VoxtwirlError("bad-option", message, "Give octahedral(), so3() or another of the groups here.");
  }
  const inversion = name === "o3";
  const highest = degree ?? most ?? resolvedDegree(draws, { inversion });
  requireWhole("degree", highest, 0, most);
  return inversion ? withInversion(so3Irreps(highest)) : so3Irreps(highest);
}

/** F_i - y, one after another. */
function offsets(predictions: ArrayLike<number>, target: ArrayLike<number>): Float64Array {
  const differences = new Float64Array(predictions.length);
  let sum = 0;
  for (let at = 0, e = 0; at < differences.length; at++) {
    differences[at] = predictions[at]! - target[e]!;
    sum += Math.abs(differences[at]!);
    if (++e === target.length) e = 0;
  }
  // A sum may also be too large where no number is.
  if (Number.isFinite(sum) || differences.every(Number.isFinite)) return differences;
  const message = "a prediction or target holds a number that is not finite";
  throw new VoxtwirlError("not-finite", message, "Look at what the model gives for that sample.");
}

/** The mean of |F_i - y|^2, and P of every representation. */
function powersOf(
  values: Float64Array,
  rotations: readonly Rotation[],
  irreps: Irreps,
  { order, weights }: RotationGroup,
): { same: number; powers: number[] } {
  const count = rotations.length;
  const length = values.length / count;
  const inner = (i: number, j: number) => {
    let sum = 0;
    for (let e = 0; e < length; e++) sum += values[i * length + e]! * values[j * length + e]!;
    return sum;
  };
  const powers = irreps.names.map(() => 0);
  const characters = new Float64Array(powers.length);
  const relative = new Float64Array(9);
  const add = (i: number, j: number, weight: number) => {
    const scale = weight * inner(i, j);
    irreps.characters(relativeRotation(rotations[i]!, rotations[j]!, relative), characters);
    for (let k = 0; k < powers.length; k++) powers[k]! += scale * characters[k]!;
  };
  // Of the diagonal and of a pair, as the estimate weighs them.
  const diagonal = Number.isFinite(order) ? 1 / (order * count) : 0;
  const pair = (Number.isFinite(order) ? (order - 1) / order : 1) / (count * (count - 1));
  let same = 0;
  for (let i = 0; i < count; i++) {
    same += (weights?.[i] ?? 1 / count) * inner(i, i);
    add(i, i, weights ? weights[i]! ** 2 : diagonal);
    for (let j = 0; j < i; j++) add(i, j, 2 * (weights ? weights[i]! * weights[j]! : pair));
  }
  return { same, powers };
}
