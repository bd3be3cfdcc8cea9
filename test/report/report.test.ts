import { Script } from "node:vm";
import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { renderReport, type ReportInput } from "../../src/report/report.ts";
import { ELEMENT_COLOURS } from "../../src/report/elementColours.ts";
import { densityColour, divergingColour, sliceFigure, strongestValue } from "../../src/report/slices.ts";
import { rowsOf } from "../../src/report/types.ts";
import { evalRow, sampleMetrics, sampleSlices, trainRow } from "./samples.ts";

const input: ReportInput = {
  title: "tiny, seed 1",
  config: { preset: "tiny", model: { channels: [8, 16], attention: [], dropout: 0 }, data: null },
  adapter: { name: "software", driver: "llvm" },
  metrics: sampleMetrics(),
  slices: sampleSlices(),
  notes: ["3 molecules skipped"],
};

const figures = (html: string): string[] => [...html.matchAll(/<dd class="value">(.*?)<\/dd>/g)].map((m) => m[1]!);

test("the headline shows the last evaluation, the steps and the time", () => {
  const last = evalRow(120);
  const ratio = (last.lossTotal! / last.lossZero!).toFixed(3);
  expect(figures(renderReport(input))).toEqual(["7.38 <small>± 0.74 %</small>", ratio, "120", "30 s"]);
  expect(renderReport(input)).toContain("was 60.0\u00a0% at step 0");
});

test("the page has all its parts and every evaluation is a row of the table", () => {
  const html = renderReport(input);
  expect([...html.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => match[1])).toEqual([
    "Symmetry not learned",
    "Loss",
    "What the terms mean",
    "One held-out molecule",
    "Evaluations",
    "Configuration",
    "Adapter",
  ]);
  expect(html.match(/<tbody>.*<\/tbody>/)![0].match(/<tr>/g)).toHaveLength(7);
  expect(html).toContain("<li>3 molecules skipped</li>");
  expect(html).toContain("<dt>model.channels</dt><dd>8, 16</dd>");
  expect(html).toContain("<dt>model.attention</dt><dd>none</dd>");
  expect(html.match(/<svg/g)).toHaveLength(2);
  expect(html.match(/<img/g)).toHaveLength(4);
});

test("tags are balanced", () => {
  const html = renderReport(input).replace(/<(script|style)>.*?<\/\1>/gs, "");
  const open: string[] = [];
  for (const [, slash, name, selfClosed] of html.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(\/?)>/g)) {
    if (selfClosed || ["meta", "img"].includes(name!)) continue;
    if (!slash) open.push(name!);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
});

test("nothing is loaded from elsewhere", () => {
  const html = renderReport(input);
  expect(html).not.toMatch(/https?:|url\((?!#)|@import|<link|<iframe|fetch\(|XMLHttpRequest/);
  expect(html).not.toMatch(/(src|href)="(?!data:image\/png;base64,)/);
  expect(html).toContain("default-src 'none'");
});

test("the script parses and the page is the same each time", () => {
  const script = renderReport(input).match(/<script>(.*?)<\/script>/s)![1]!;
  expect(() => new Script(script)).not.toThrow();
  expect(renderReport(input)).toBe(renderReport(input));
});

test("every text from outside is escaped", () => {
  const evil = `</script><script>alert("x" + 'y')</script>&`;
  const html = renderReport({
    title: evil,
    config: { [evil]: evil, list: [evil], nested: { [evil]: { [evil]: 1 } } },
    adapter: { [evil]: evil },
    metrics: sampleMetrics(),
    slices: sampleSlices({ name: evil, channels: [evil, "C"] }),
    notes: [evil],
  });
  expect(html).not.toContain('alert("x"');
  expect(html.match(/<script>/g)).toHaveLength(1);
  expect(html.match(/<\/script>/g)).toHaveLength(1);
  const escaped = "&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot; + &#39;y&#39;)&lt;/script&gt;&amp;";
  expect(html.split(escaped).length - 1).toBe(12);
});

test("no metrics, one row, or rows without numbers still make a page", () => {
  const losses = { lossTotal: null, lossMean: null, lossEquiv: null, lossZero: null };
  const nothing = { ...losses, percentEquiv: null, percentEquivStdErr: null };
  const diverged = evalRow(10, { lossTotal: NaN, percentEquiv: NaN, seconds: null });
  const cases: ReportInput["metrics"][] = [
    [],
    [evalRow(0)],
    [trainRow(1)],
    [evalRow(0, nothing)],
    [evalRow(0), diverged, trainRow(5, { loss: NaN, seconds: null })],
  ];
  const pages = cases.map((metrics) => renderReport({ title: "t", config: {}, adapter: {}, metrics }));
  for (const html of pages) {
    expect(html).toContain("</html>");
    expect(html.replace(/<script>.*<\/script>/s, "")).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(html).not.toContain("One held-out molecule");
  }
  expect(figures(pages[0]!)).toEqual(["–", "–", "0", "–"]);
  // A run that diverged says so in the headline instead of showing an older value.
  expect(figures(pages[4]!).slice(0, 2)).toEqual(["–", "–"]);
});

test("rows are sorted, and of two with the same step the later one stands", () => {
  const rows = rowsOf([evalRow(20), evalRow(0), trainRow(20), evalRow(20, { lossTotal: 7 })], "eval");
  expect(rows.map((row) => [row.step, row.lossTotal])).toEqual([
    [0, evalRow(0).lossTotal],
    [20, 7],
  ]);
});

test("densities mix the colours of their elements on black", () => {
  expect(densityColour([0, 0], ["C", "O"])).toEqual([0, 0, 0]);
  expect(densityColour([0, 1], ["C", "O"])).toEqual(ELEMENT_COLOURS["O"]);
  expect(densityColour([-3, 7], ["C", "O"])).toEqual(ELEMENT_COLOURS["O"]);
  expect(densityColour([NaN, 0.5], ["C", "O"])).toEqual(ELEMENT_COLOURS["O"]!.map((part) => part / 2));
  for (const part of densityColour([1, 1, 1], ["H", "H", "Xx"])) expect(part).toBeLessThanOrEqual(255);
});

test("the diverging map is black at zero, bluish below, reddish above, and clips", () => {
  expect(divergingColour(0)).toEqual([0, 0, 0]);
  expect(divergingColour(5)).toEqual(divergingColour(1));
  expect(divergingColour(-0.5)[2]).toBeGreaterThan(divergingColour(-0.5)[0]);
  expect(divergingColour(0.5)[0]).toBeGreaterThan(divergingColour(0.5)[2]);
  expect(strongestValue([0.1, -0.4, 0.3])).toBe(-0.4);
  expect(strongestValue([NaN, 0])).toBe(0);
});

test("slices: y points up, the colour bar shows the largest difference, wrong sizes are refused", () => {
  const clean = new Float32Array(4 * 4 * 2);
  clean[1] = 1; // oxygen at x = 0, y = 0: the bottom left corner
  const html = sliceFigure(sampleSlices({ clean, twistedDifference: new Float32Array(32).fill(-0.25) }));
  const png = Buffer.from(html.match(/base64,([^"]+)"/)![1]!, "base64");
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)));
  expect([...rows.subarray(3 * 13 + 1, 3 * 13 + 4)]).toEqual([...ELEMENT_COLOURS["O"]!]);
  expect([...rows.subarray(1, 4)]).toEqual([0, 0, 0]);
  expect(html).toContain("<span>+0.25</span>");
  expect(html).toContain("z slice 3 of 4, 2 Å wide, 0.5 Å a voxel");
  expect(html).toContain("water &amp; friends");
  const short = sampleSlices({ noisy: new Float32Array(31) });
  expect(() => sliceFigure(short)).toThrow(/"noisy" has 31 values, expected 4 x 4 x 2/);
  // Without any difference the bar says zero instead of dividing by it.
  expect(sliceFigure(sampleSlices({ twistedDifference: new Float32Array(32) }))).toContain("<span>+0</span>");
});
