import { expect, test } from "vitest";
import { bandPath, curvePath } from "../../src/report/paths.ts";
import { linearScale, logScale } from "../../src/report/scale.ts";

const x = linearScale([0, 100], [0, 100]);
const y = logScale([0.01, 100], [400, 0]);

test("a curve's points follow its scales; bad values leave gaps and a lone point becomes a dash", () => {
  const points = [
    [0, 1],
    [10, 10],
    [20, null],
    [30, 1],
    [40, 0],
    [50, -1],
    [60, NaN],
    [70, 100],
    [80, 0.1],
  ] as const;
  expect(
    curvePath(
      points.map(([px, py]) => ({ x: px, y: py })),
      x,
      y,
    ),
  ).toBe("M0 200L10 100M30 200m-4 0h8M70 0L80 300");
  expect(curvePath([], x, y)).toBe("");
});

test("a band closes around each run of points and ends at the axis where it reaches zero", () => {
  const band = [
    { x: 0, low: 1, high: 10 },
    { x: 10, low: -5, high: 10 },
    { x: 20, low: null, high: null },
    { x: 30, low: 1, high: 10 },
  ];
  expect(bandPath(band, x, y)).toBe("M0 100L10 100L10 400L0 200ZM27 100L33 100L33 200L27 200Z");
});
