import { expect, test } from "vitest";
import { dotPlot, type DotPlotSpec } from "../../src/report/dotPlot.ts";

const one = { key: "one", label: "first & one", marker: "circle" } as const;
const spec: DotPlotSpec = {
  description: "what & why",
  panels: [
    { name: "norm", width: 2, series: [one, { ...one, key: "two" }], format: String },
    { name: "cosine", width: 1, series: [one], range: [-1, 1], format: String },
  ],
  rows: [
    { label: "all", values: [[{ value: 1, error: 0.5 }, { value: 100 }], [{ value: 0, error: 3 }]] },
    { label: "<b>", values: [[{ value: 10, error: NaN }, { value: -1 }], [{ value: null }]] },
  ],
};
const circles = (svg: string) =>
  [...svg.matchAll(/<g class="(\w+)"><title>([^<]*)<\/title>(.*?)<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(
    ([, key, title, before, x, y]) => ({ key, title, before, x: Number(x), y: Number(y) }),
  );

test("points stand in their rows and series, evenly by decades", () => {
  const svg = dotPlot(spec);
  const [first, second, cosine, below] = circles(svg) as [Point, Point, Point, Point];
  expect(circles(svg)).toHaveLength(4);
  expect([first, second, cosine, below].map(({ title }) => title)).toEqual([
    "all, first &amp; one: 1 ± 0.5",
    "all, first &amp; one: 100",
    "&lt;b&gt;, first &amp; one: 10",
    "all, first &amp; one: 0 ± 3",
  ]);
  expect(cosine.x - first.x).toBeCloseTo(second.x - cosine.x, 1);
  expect(cosine.y).toBeGreaterThan(first.y + 10);
  expect(second.y).toBeGreaterThan(first.y);
});

type Point = ReturnType<typeof circles>[number];

test("errors are marked as far as the axis goes, those that are not known not at all", () => {
  const [first, second, third, cosine] = circles(dotPlot(spec)) as [Point, Point, Point, Point];
  expect(first.before).toMatch(/<path class="line"/);
  for (const { before } of [second, third]) expect(before).not.toContain("path");
  const [, from, to] = cosine.before!.match(/d="M([\d.]+) [\d.]+H([\d.]+)"/)!.map(Number) as [number, number, number];
  expect(cosine.x).toBeCloseTo((from + to) / 2, 1);
  expect(from).toBeGreaterThan(second.x);
  expect(to).toBeLessThanOrEqual(920);
});

test("intervals need not lie evenly about their values", () => {
  const value = { value: 20, interval: [10, 60] } as const;
  const panels = [{ ...spec.panels[1]!, range: [0, 100] as const }];
  const [point] = circles(dotPlot({ ...spec, panels, rows: [{ label: "all", values: [[value]] }] }));
  const [, from, to] = point!.before!.match(/d="M([\d.]+) [\d.]+H([\d.]+)"/)!.map(Number) as [number, number, number];
  expect((to - point!.x) / (point!.x - from)).toBeCloseTo(4, 1);
  expect(point!.title).toBe("all, first &amp; one: 20 (10 to 60)");
});

test("names are escaped", () => {
  const svg = dotPlot(spec);
  expect(svg).toContain('aria-label="what &amp; why"');
  expect(svg).toContain(">&lt;b&gt;</text>");
});
