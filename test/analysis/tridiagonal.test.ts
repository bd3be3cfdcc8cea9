import { expect, it } from "vitest";
import { tridiagonalEigen } from "../../src/analysis/tridiagonal.ts";
import { Random } from "../../src/random.ts";
import { jacobiEigenvalues } from "./dense.ts";

it("has the eigenvalues of the second difference", () => {
  const n = 40;
  const { values } = tridiagonalEigen(new Array<number>(n).fill(2), new Array<number>(n - 1).fill(-1));
  values.forEach((value, k) => expect(value).toBeCloseTo(4 * Math.sin(((n - k) * Math.PI) / (2 * (n + 1))) ** 2, 12));
});

it("agrees with Jacobi's method on random matrices, some of them falling apart", () => {
  const random = new Random(1);
  for (let trial = 0; trial < 20; trial++) {
    const n = 1 + random.int(12);
    const diagonal = Array.from({ length: n }, () => random.normal());
    const beside = Array.from({ length: n - 1 }, () => (random.next() < 0.2 ? 0 : random.normal()));
    const matrix = diagonal.map((value, i) =>
      Float64Array.from({ length: n }, (_, j) =>
        i === j ? value : Math.abs(i - j) === 1 ? beside[Math.min(i, j)]! : 0,
      ),
    );
    const { values, vectors } = tridiagonalEigen(diagonal, beside);
    const expected = jacobiEigenvalues(matrix);
    values.forEach((value, k) => {
      expect(value).toBeCloseTo(expected[k]!, 12);
      const vector = vectors[k]!;
      expect(vector.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 12);
      matrix.forEach((row, i) => {
        expect(row.reduce((sum, x, j) => sum + x * vector[j]!, 0)).toBeCloseTo(value * vector[i]!, 12);
      });
    });
  }
});

it("has nothing of nothing, and takes zeros", () => {
  expect(tridiagonalEigen([], [])).toEqual({ values: [], vectors: [] });
  expect(tridiagonalEigen([0, 0, 0], [0, 0]).values).toEqual([0, 0, 0]);
  expect(tridiagonalEigen([0, 0], [1]).values.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([1, -1]);
});
