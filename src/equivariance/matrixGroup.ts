import { requireArray, requireNumbers, requireObject, requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { cubeActions } from "./cubeActions.ts";
import { cubeSymmetry, cubeSymmetryMatrices, rotationFault } from "./cubeSymmetries.ts";
import { rotationGroup, so3, type Rotation, type RotationGroup } from "./groups.ts";
import { determinant, product } from "./matrices.ts";
import { isGroupName } from "./namedGroups.ts";
import { countedElements } from "./symmetryGroup.ts";

/** What makes a finite group of rotations and reflections: all of its elements, or some of which all are products. */
export interface MatrixGroupOptions {
  /** As results and rotated files have it; none of a group that is there already. */
  readonly name: string;
  /** All elements: orthogonal matrices of nine numbers, row major, active, x y z. */
  readonly matrices?: readonly Rotation[];
  /** Orthogonal matrices whose products are the group. */
  readonly generators?: readonly Rotation[];
}

/** What entries of matrices and of their products may be off by. */
const TOLERANCE = 1e-5;
const MOST = 1000;

/**
 * A finite group of rotations, of proper and improper ones too, such as that of a crystal or of an icosahedron. Entries
 * may be off by 1e-5, so that six digits will do; the nearest orthogonal matrices are taken. On grids it permutes
 * voxels where all elements are symmetries of the cube, else it interpolates.
 *
 * ```ts
 * // D3: the turn by 120 degrees about z, and the half turn about x.
 * const [c, s] = [-1 / 2, Math.sqrt(3) / 2];
 * const d3 = matrixGroup({ name: "d3", generators: [[c, -s, 0, s, c, 0, 0, 0, 1], [1, 0, 0, 0, -1, 0, 0, 0, -1]] });
 * ```
 *
 * @throws VoxtwirlError "bad-option" for both or neither of the two lists; a matrix that is not orthogonal or is there
 *   twice, or a product that is missing, each named by its place in the list; generators of more than 1,000 elements; a
 *   name that another group has
 */
export function matrixGroup(options: MatrixGroupOptions): RotationGroup {
  requireObject("options", options, "Give { name, matrices } or { name, generators }.");
  const { name, matrices, generators } = options;
  requireString("name", name, "Give a name of the group.");
  if (isGroupName(name)) throw bad(`${name} is the name of another group`, "Give it a name of its own.");
  if ((matrices === undefined) === (generators === undefined)) {
    const found = matrices === undefined ? "neither matrices nor generators" : "both matrices and generators";
    throw bad(`there are ${found}`, "Give all elements as matrices, or some whose products they are as generators.");
  }
  const elements = generators ? closure(checked("generators", generators)) : whole(checked("matrices", matrices));
  const cube = elements.every((matrix) => cubeSymmetry(matrix) !== undefined);
  return rotationGroup({
    ...so3(),
    ...{ name, ...countedElements(elements.length, (i) => elements[i]!) },
    ...(cube && { interpolation: undefined, ...cubeActions() }),
  });
}

/** Orthogonal matrices, freed of what rounding left. */
function checked(list: string, given: unknown): Rotation[] {
  requireArray(list, given, "Give matrices of nine numbers.");
  if (given.length === 0) throw bad(`${list} is empty`, "Give at least one matrix.");
  return given.map((matrix, i) => {
    const what = `${list}[${i}]`;
    requireNumbers(what, matrix);
    const values = Array.from(matrix as ArrayLike<number>);
    const fault = values.length === 9 ? rotationFault(values, TOLERANCE, true) : `has ${values.length} numbers, not 9`;
    if (fault === undefined) return nearestOrthogonal(values);
    throw bad(`${what} ${fault}`, "Give orthogonal matrices with six digits or more: row major, active, x y z.");
  });
}

/** All elements, each once, with all products among them. */
function whole(elements: readonly Rotation[]): readonly Rotation[] {
  if (elements.length > MOST) throw tooMany(`matrices has ${elements.length} elements`);
  elements.forEach((element, i) => {
    const first = placeOf(element, elements);
    if (first < i) throw bad(`matrices[${i}] is matrices[${first}] again`, "Give each element once.");
  });
  elements.forEach((a, i) =>
    elements.forEach((b, j) => {
      if (placeOf(product(a, b), elements) >= 0) return;
      const message = `the product of matrices[${i}] and matrices[${j}] is not among the ${elements.length} matrices`;
      throw bad(message, "Give all elements of the group, with six digits or more; or generators.");
    }),
  );
  return elements;
}

/** All products, the identity first. */
function closure(generators: readonly Rotation[]): readonly Rotation[] {
  const elements: Rotation[] = [cubeSymmetryMatrices[0]!];
  // Grows while it is gone through.
  for (const element of elements) {
    for (const generator of generators) {
      const next = product(element, generator);
      if (placeOf(next, elements) >= 0) continue;
      if (elements.length === MOST) throw tooMany(`generators have more than ${MOST} products`);
      elements.push(nearestOrthogonal(next));
    }
  }
  return elements;
}

function placeOf(matrix: Rotation, among: readonly Rotation[]): number {
  return among.findIndex((other) => matrix.every((value, k) => Math.abs(value - other[k]!) <= TOLERANCE));
}

/** One step of Newton's to the polar factor, (R + R^-T) / 2: what is left of an error of 1e-5 is its square. */
function nearestOrthogonal(r: Rotation): Rotation {
  const whole = r.map(Math.round);
  const element = r.every((value, k) => Math.abs(value - whole[k]!) <= TOLERANCE) ? cubeSymmetry(r) : undefined;
  if (element !== undefined) return cubeSymmetryMatrices[element]!;
  const scale = 1 / determinant(r);
  return r.map((value, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    const [i1, i2, j1, j2] = [(i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3];
    const cofactor = r[3 * i1 + j1]! * r[3 * i2 + j2]! - r[3 * i1 + j2]! * r[3 * i2 + j1]!;
    return (value + scale * cofactor) / 2;
  });
}

function tooMany(what: string): VoxtwirlError {
  const fix = `Give a finite group of up to ${MOST} elements; of generators check the digits: six or more.`;
  return bad(what, fix);
}

function bad(message: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", message, fix);
}
