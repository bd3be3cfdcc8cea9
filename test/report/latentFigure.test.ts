import { expect, test } from "vitest";
import type { LatentResult } from "../../src/analysis/latents.ts";
import { axisAngle } from "../../src/equivariance/axisAngle.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { latentFigure } from "../../src/report/latentFigure.ts";

const similarity = (mean: number, stdErr: number) => ({
  cosine: { mean, stdErr },
  centred: { mean: mean - 0.1, stdErr: stdErr / 10 },
});
const of = (mean: number, stdErr: number) => ({
  ...similarity(mean, stdErr),
  samples: 7,
  byRotation: octahedralMatrices.map((_, k) => similarity(mean + k / 1000, stdErr)),
});
const result: LatentResult = {
  samples: 7,
  rotations: octahedralMatrices.map(axisAngle),
  layers: ["down.0", "final"].map((name, i) => ({
    ...{ name, size: 16 >> i, channels: 8 },
    trained: { rotated: of(0.8 - 0.2 * i, 0.02), others: of(0.3, NaN) },
    initial: { rotated: of(0.5, 0.01), others: of(NaN, NaN) },
  })),
};

test("the first map has each network beside its baseline, with errors where they are known", () => {
  const html = latentFigure(result, "cosine");
  for (const text of ["down.0 16³×8", "final 8³×8", "0.800 ± 0.020", "0.600 ± 0.020", ">0.300<", ">–<"]) {
    expect(html).toContain(text);
  }
  expect(latentFigure(result, "centred")).toContain("0.700 ± 0.002");
  expect(html).toContain("over 7 molecules");
});

test("the second map has each rotation but the identity once, by angle and axis", () => {
  const html = latentFigure(result, "cosine");
  const titles = [...html.matchAll(/<title>down\.0, (\d+)° about ([^:]+): ([\d.]+)/g)].map((match) => match.slice(1));
  expect(titles).toHaveLength(23);
  expect(new Set(titles.map(([angle, axis]) => `${angle} ${axis}`)).size).toBe(23);
  const count = (degrees: string) => titles.filter(([angle]) => angle === degrees).length;
  expect(["90", "120", "180"].map(count)).toEqual([6, 8, 9]);
  const half = axisAngle(octahedralMatrices[1]!);
  const name = `+${"xyz"[half.axis.findIndex((component) => component > 0.9)]}`;
  expect(titles).toContainEqual(["180", name, "0.801"]);
  const columns = [...html.matchAll(/y="82">([^<]+)</g)].map(([, column]) => column);
  expect(columns.slice(4)).toHaveLength(23);
  for (const column of ["+x", "−z", "+++", "+−+", "x", "y+z", "x−y"]) expect(columns).toContain(column);
});
