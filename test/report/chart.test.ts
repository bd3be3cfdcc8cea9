import { expect, test } from "vitest";
import { CHART_WIDTH } from "../../src/report/axes.ts";
import { renderChart } from "../../src/report/chart.ts";
import { lossChart, percentChart, untrustedRange } from "../../src/report/charts.ts";
import { smooth, smoothingWindow, thinEvenly, thinExtremes } from "../../src/report/curves.ts";
import type { EvalRow, TrainRow } from "../../src/report/types.ts";
import { evalRow, sampleMetrics } from "./samples.ts";

const KIND = { per: "voxel and channel", trained: true, samples: "molecules" };

const train = sampleMetrics().filter((row): row is TrainRow => row.type === "train");
const evals = sampleMetrics().filter((row): row is EvalRow => row.type === "eval");

/** What the pattern's group captures; the pattern must match. */
function pathOf(html: string, pattern: RegExp): string {
  const match = html.match(pattern);
  expect(match, String(pattern)).not.toBeNull();
  return match![1]!;
}

const seriesPath = (html: string, key: string): string =>
  pathOf(html, new RegExp(`<g class="series ${key}"><path class="line" d="([^"]*)"`));
const coordinates = (path: string): [number, number][] =>
  [...path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);

test("every point of both charts lies inside the plot and steps map to rising pixels", () => {
  for (const html of [lossChart(train, evals, KIND), percentChart(train, evals, "molecules")]) {
    const [, height] = html.match(/viewBox="0 0 920 (\d+)"/)!;
    const lines = [...html.matchAll(/<g class="series [^"]+"><path class="line" d="([^"]+)"/g)];
    const paths = lines.map((match) => coordinates(match[1]!));
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) {
      expect(path.length).toBeGreaterThan(5);
      for (const [px, py] of path) {
        expect(px).toBeGreaterThanOrEqual(84);
        expect(px).toBeLessThanOrEqual(CHART_WIDTH - 44);
        expect(py).toBeGreaterThan(20);
        expect(py).toBeLessThan(Number(height) - 48);
      }
      expect(path.map(([px]) => px)).toEqual(path.map(([px]) => px).sort((a, b) => a - b));
    }
  }
});

test("lossTotal falls on the chart as it falls in the rows, and lies above its parts", () => {
  const html = lossChart(train, evals, KIND);
  const total = coordinates(seriesPath(html, "loss-total"));
  const mean = coordinates(seriesPath(html, "loss-mean"));
  const equiv = coordinates(seriesPath(html, "loss-equiv"));
  expect(total).toHaveLength(evals.length);
  for (let i = 0; i < total.length; i++) {
    if (i > 0) expect(total[i]![1]).toBeGreaterThan(total[i - 1]![1]);
    expect(total[i]![1]).toBeLessThan(mean[i]![1]);
    expect(total[i]![1]).toBeLessThan(equiv[i]![1]);
  }
});

test("the percent chart has a band around its curve, the 2 % line and an axis in per cent", () => {
  const html = percentChart(train, evals, "molecules");
  const curve = coordinates(seriesPath(html, "percent"));
  const band = coordinates(pathOf(html, /<path class="band percent" d="([^"]+)"/));
  expect(band).toHaveLength(2 * curve.length);
  curve.forEach(([px, py], i) => {
    const upper = band[i]!;
    const lower = band[band.length - 1 - i]!;
    expect([upper[0], lower[0]]).toEqual([px, px]);
    expect(upper[1]).toBeLessThan(py);
    expect(lower[1]).toBeGreaterThan(py);
  });
  const rule = Number(pathOf(html, /<g class="rule paper"><path class="line" d="M84 ([\d.]+)H/));
  const tick = Number(pathOf(html, /<text x="75" y="([\d.]+)" text-anchor="end">2 %</));
  expect(rule).toBeCloseTo(tick - 4);
  expect(html).toContain("± 1 standard error");
  expect(html).toContain("no better than predicting zero");
});

test("without standard errors there is no band and no word of one", () => {
  const html = percentChart(
    train,
    evals.map((row) => ({ ...row, percentEquivStdErr: null })),
    "molecules",
  );
  expect(html).not.toContain('class="band');
  expect(html).not.toContain("standard error");
});

test("null, NaN and negative values are gaps, counted in the caption, and never reach the SVG", () => {
  const bad = evalRow(130, { percentEquiv: NaN, lossTotal: null, lossMean: -1e-6 });
  const broken = [...evals, bad, evalRow(140, { percentEquivStdErr: NaN })];
  const losses = lossChart([...train, { ...train[0]!, step: 125, loss: null }], broken, KIND);
  const percents = percentChart(train, broken, "molecules");
  for (const html of [losses, percents]) expect(html).not.toMatch(/NaN|Infinity|undefined|null/);
  expect(losses).toContain("3 values that are not finite");
  expect(percents).toContain("1 value that is not finite");
});

test("no rows and one row", () => {
  expect(lossChart([], [], KIND)).toContain("No loss has been recorded yet.");
  expect(percentChart(train, [], "molecules")).toContain("No evaluation has been recorded yet.");
  for (const html of [
    lossChart([], [evalRow(0)], KIND),
    percentChart([], [evalRow(0)], "molecules"),
    lossChart(train.slice(0, 1), [], KIND),
  ]) {
    expect(html).toContain("<svg");
    expect(html).not.toMatch(/NaN|Infinity/);
  }
});

test("a long run stays small: the training curves are thinned and markers left out", () => {
  const long = Array.from({ length: 20_000 }, (_, i) => ({ ...train[0]!, step: i, loss: 1 + Math.sin(i) / 2 }));
  const many = Array.from({ length: 500 }, (_, i) => evalRow(i * 40));
  const html = lossChart(long, many, KIND);
  expect(html.length).toBeLessThan(250_000);
  expect(html).not.toContain('<circle cx="84');
});

test("tooltips sit at the pixels of their steps and say the values", () => {
  const html = percentChart(train, evals, "molecules");
  const json = html.match(/data-hover="([^"]+)"/)![1]!.replaceAll("&quot;", '"');
  const hover = JSON.parse(json) as [number, string, string[][]][];
  expect(hover.map(([px]) => px)).toEqual(coordinates(seriesPath(html, "percent")).map(([px]) => px));
  expect(hover[0]![1]).toBe("step 0, 0 s");
  expect(hover[0]![2][0]).toEqual(["percent", "percentEquiv", "60.0 ± 6.0 %"]);
});

test("legend rows wrap before the right edge", () => {
  const points = [{ x: 0, y: 1 }];
  const series = Array.from({ length: 9 }, (_, i) => ({ key: "k", label: `a rather long label ${i}`, points }));
  const html = renderChart({ id: "t", description: "", yLabel: "", series, plotHeight: 100 });
  const rows = new Set([...html.matchAll(/<text x="\d+" y="(\d+)">a rather/g)].map((m) => m[1]));
  expect(rows.size).toBe(3);
});

test("ticks stand where they are asked for, below their points", () => {
  const points = [2, 8, 24].map((x) => ({ x, y: x }));
  const xAxis = { name: "K", scale: "log" as const, tickLabel: (value: number) => `K${value}`, ticks: [2, 8, 24] };
  const series = [{ key: "one", label: "one", points }];
  const html = renderChart({ id: "t", description: "", yLabel: "", series, xAxis, plotHeight: 100 });
  const ticks = [...html.matchAll(/<text x="([\d.]+)" y="\d+" text-anchor="middle">(K\d+)</g)];
  expect(ticks.map(([, , label]) => label)).toEqual(["K2", "K8", "K24"]);
  expect(ticks.map(([, x]) => Number(x))).toEqual(coordinates(seriesPath(html, "one")).map(([x]) => x));
});

test("the range where the net is no better than zero ends where lossTotal crosses lossZero for good", () => {
  const at = (step: number, ratio: number): EvalRow => evalRow(step, { lossTotal: ratio, lossZero: 1 });
  expect(untrustedRange([at(0, 0.5), at(10, 0.4)])).toBeNull();
  expect(untrustedRange([at(0, 10), at(10, 0.1)])).toEqual({ from: 0, to: 5 });
  expect(untrustedRange([at(0, 10), at(10, 0.9), at(20, 2), at(30, 0.5)])!.to).toBeCloseTo(25);
  expect(untrustedRange([at(0, 10), at(10, 2)])).toEqual({ from: 0, to: 10 });
  expect(untrustedRange([])).toBeNull();
});

test("smoothing keeps constants and ends, halves gaps, and narrows towards the ends", () => {
  const constant = Array.from({ length: 9 }, (_, i) => ({ x: i, y: 2 }));
  for (const point of smooth(constant, 5)) expect(point.y).toBeCloseTo(2);
  const steep = [1000, 10, 1, null, 1, 1].map((value, i) => ({ x: i, y: value }));
  const result = smooth(steep, 3).map((point) => point.y);
  expect(result[0]).toBeCloseTo(1000);
  expect(result[1]).toBeCloseTo(10 ** (4 / 3));
  expect(result[2]).toBeCloseTo(Math.sqrt(10));
  expect(result[3]).toBeNull();
  expect([1, 59, 60, 300, 100_000].map(smoothingWindow)).toEqual([1, 1, 3, 11, 201]);
});

test("thinning keeps spikes and ends", () => {
  const points = Array.from({ length: 1000 }, (_, i) => ({ x: i, y: i === 537 ? 99 : i === 538 ? 0.01 : 1 }));
  const thin = thinExtremes(points, 50);
  expect(thin.length).toBeLessThanOrEqual(100);
  expect(thin.some((p) => p.y === 99) && thin.some((p) => p.y === 0.01)).toBe(true);
  expect(thin.map((p) => p.x)).toEqual(thin.map((p) => p.x).sort((a, b) => a - b));
  const even = thinEvenly(points, 10);
  expect([even.length, even[0]!.x, even.at(-1)!.x]).toEqual([10, 0, 999]);
});
