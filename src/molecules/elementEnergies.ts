/** What a composition alone tells of energies. */

/** How many atoms of each element, by atomic number. */
export type Composition = ReadonlyMap<number, number>;

/** Relative to the mean diagonal: what makes compositions of too few kinds solvable, towards small energies. */
const RIDGE = 1e-10;

export function compositionOf(elements: ArrayLike<number>): Composition {
  const counts = new Map<number, number>();
  for (let i = 0; i < elements.length; i++) counts.set(elements[i]!, (counts.get(elements[i]!) ?? 0) + 1);
  return counts;
}

/** The elements that are in any of these, in order. */
export function elementsIn(compositions: readonly Composition[]): number[] {
  return [...new Set(compositions.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
}

/** Energies by atomic number, up to the last element that is there: least squares on the compositions. */
export function fitElementEnergies(compositions: readonly Composition[], energies: readonly number[]): number[] {
  const used = elementsIn(compositions);
  const fitted = leastSquares(
    compositions.map((one) => used.map((z) => one.get(z) ?? 0)),
    energies,
  );
  const byNumber = new Array<number>(1 + (used.at(-1) ?? 0)).fill(0);
  used.forEach((z, i) => (byNumber[z] = fitted[i]!));
  return byNumber;
}

/** What is left of energies without those of the elements. */
export function withoutElements(compositions: readonly Composition[], energies: readonly number[]): number[] {
  const fitted = fitElementEnergies(compositions, energies);
  return compositions.map((one, i) => [...one].reduce((rest, [z, count]) => rest - count * fitted[z]!, energies[i]!));
}

/** x of the smallest |A x - b|^2, by the normal equations with a ridge and Cholesky's factors. */
function leastSquares(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = a[0]!.length;
  const normal = Array.from({ length: n }, () => new Float64Array(n));
  const right = new Float64Array(n);
  a.forEach((row, r) => {
    for (let i = 0; i < n; i++) {
      right[i]! += row[i]! * b[r]!;
      for (let j = 0; j < n; j++) normal[i]![j]! += row[i]! * row[j]!;
    }
  });
  const trace = normal.reduce((sum, row, i) => sum + row[i]!, 0);
  normal.forEach((row, i) => (row[i]! += (RIDGE * trace) / n));
  // In place: normal becomes the lower factor.
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = normal[i]![j]!;
      for (let k = 0; k < j; k++) sum -= normal[i]![k]! * normal[j]![k]!;
      normal[i]![j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / normal[j]![j]!;
    }
  }
  const x = Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= normal[i]![k]! * x[k]!;
    x[i]! /= normal[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= normal[k]![i]! * x[k]!;
    x[i]! /= normal[i]![i]!;
  }
  return x;
}
