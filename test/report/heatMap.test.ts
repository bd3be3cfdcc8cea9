import { expect, test } from "vitest";
import { heatMap, type HeatMapSpec } from "../../src/report/heatMap.ts";

const spec: HeatMapSpec = {
  description: "what & why",
  legend: "cosine",
  domain: [-1, 1],
  groups: [
    { heading: "one", columns: ["a", "<b>"] },
    { heading: "two", columns: ["c"] },
  ],
  rows: [
    { label: "first", cells: [{ value: 0.25 }, { value: 0.9, title: "b: 0.9 & more" }, { value: 1.2 }] },
    { label: "second & last", cells: [{ value: -0.004 }, { value: null }, { value: -0.5, text: "low" }] },
  ],
};

/** Cells with their boxes, opacities and words, in order. */
function cellsOf(svg: string) {
  const number = `"([\\d.]+)"`;
  const box = `<rect x=${number} y=${number} width=${number} height=${number} fill-opacity=${number}/>`;
  const group = `<g(?: class="([^"]*)")?>(?:<title>([^<]*)</title>)?`;
  const pattern = new RegExp(`${group}${box}<text [^>]*>([^<]*)</text>`, "g");
  return [...svg.matchAll(pattern)].map(([, classes, title, x, y, width, , opacity, text]) => ({
    ...{ classes, title, text, opacity: Number(opacity) },
    ...{ x: Number(x), y: Number(y), right: Number(x) + Number(width) },
  }));
}

test("cells have their values as numbers and as colour, which ends at the domain's ends", () => {
  const cells = cellsOf(heatMap(spec));
  expect(cells.map(({ text }) => text)).toEqual(["0.25", "0.90", "1.20", "0.00", "–", "low"]);
  expect(cells.map(({ opacity }) => opacity)).toEqual([0.25, 0.9, 1, 0.004, 0, 0.5]);
  expect(cells.map(({ classes }) => classes)).toEqual([undefined, "strong", "strong", "below", undefined, "below"]);
  expect(cells[1]!.title).toBe("b: 0.9 &amp; more");
  const minus = heatMap({ ...spec, rows: [{ label: "", cells: [{ value: -0.42 }] }] });
  expect(cellsOf(minus)[0]!.text).toBe("−0.42");
  const positive = cellsOf(heatMap({ ...spec, domain: [0, 2] })).map(({ opacity }) => opacity);
  expect(positive).toEqual([0.125, 0.45, 0.6, 0, 0, 0]);
});

test("rows and columns stand in a grid within the picture, groups apart", () => {
  const svg = heatMap(spec);
  const cells = cellsOf(svg);
  const [height] = svg
    .match(/viewBox="0 0 920 (\d+)"/)!
    .slice(1)
    .map(Number) as [number];
  const [a, b, c, d] = cells as [(typeof cells)[0], (typeof cells)[0], (typeof cells)[0], (typeof cells)[0]];
  expect(b.x - a.right).toBeCloseTo(1, 1);
  expect(c.x - b.right).toBeGreaterThan(5);
  expect([d.x, d.y > a.y]).toEqual([a.x, true]);
  expect(new Set(cells.slice(0, 3).map(({ y }) => y)).size).toBe(1);
  for (const { right, y } of cells) {
    expect(right).toBeLessThanOrEqual(920);
    expect(y + 24).toBeLessThanOrEqual(height);
  }
});

test("names are escaped, and the legend shows the domain", () => {
  const svg = heatMap({ ...spec, domain: [-3, 2], format: (value) => `${value}!` });
  for (const text of ["what &amp; why", "second &amp; last", "&lt;b&gt;", ">-3!<", ">2!<", ">cosine<", ">0.25!<"]) {
    expect(svg).toContain(text);
  }
  expect(svg).not.toContain("<b>");
});
