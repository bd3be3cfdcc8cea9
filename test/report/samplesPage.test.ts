import { expect, test } from "vitest";
import { chainDrawings } from "../../src/report/chainDrawing.ts";
import { histogram, sharesOf } from "../../src/report/histogram.ts";
import { renderSamples, type SamplesPageInput } from "../../src/report/samplesPage.ts";

const trace = (name: string, structure: string, positions: number[]) => ({ name, structure, positions });
/** A square, whose third side lies in front and first behind. */
const square = trace("a <square>", "HHE-", [-5, -5, -1, 5, -5, -1, 5, 5, 1, -5, 5, 3]);

test("chains are drawn to one scale from the back to the front, with a dot where they begin", () => {
  const svg = chainDrawings([square, trace("half", "--", [-2.5, 0, 0, 2.5, 0, 0])]);
  const lines = [...svg.matchAll(/<path( class="\w+")? d="M(\S+) (\S+)L(\S+) (\S+)"\/>/g)].map((m) => m.slice(1));
  const drawn = lines.filter(([kind]) => kind !== ' class="under"');
  // The sides 0-1, 1-2 and 2-3; then the other chain.
  expect(drawn).toEqual([
    [' class="helix"', "12", "188", "188", "188"],
    [undefined, "188", "188", "188", "12"],
    [undefined, "188", "12", "12", "12"],
    [undefined, "56", "100", "144", "100"],
  ]);
  expect(svg).toContain('<circle cx="12" cy="188" r="3"/>');
  expect(svg).toContain("a &lt;square&gt;, 4 residues");
  expect(svg).not.toContain("<square>");
});

test("shares are of all values, those beyond the range at its ends", () => {
  expect(sharesOf([0, 0.1, 0.6, 5, -3], [0, 1], 2)).toEqual([0.6, 0.4]);
  expect(sharesOf([], [0, 1], 2)).toEqual([0, 0]);
});

test("histograms of several kinds share an axis, whatever their numbers", () => {
  const series = [
    { key: "one", label: "one & only", values: [0.25] },
    { key: "two", label: "two", values: [0.25, 0.75] },
  ];
  const svg = histogram({ description: "d", xLabel: "A", range: [0, 1], bins: 2, series });
  const tops = [...svg.matchAll(/<g class="(?:one|two)"><path class="line" d="M[\d.]+ ([\d.]+)V([\d.]+)H/g)];
  const [whole, half] = tops.map(([, bottom, top]) => Number(bottom) - Number(top)) as [number, number];
  expect(whole / half).toBeCloseTo(2, 2);
  expect(svg).toContain("one &amp; only");
});

test("the page stands alone, with all texts escaped, and draws no more than it can", () => {
  const input: SamplesPageInput = {
    title: "chains <1>",
    figures: [{ name: "a", value: "1", more: "b" }],
    sampled: Array.from({ length: 30 }, (_, i) => ({ ...square, name: `chain ${i + 1}` })),
    others: [square],
    othersName: "the <others>",
    table: [
      ["", "x & y"],
      ["row", "1 <2>"],
    ],
    histograms: [{ title: "t", caption: "c", description: "d", xLabel: "A", range: [0, 1], bins: 2, series: [] }],
    facts: [["model", "<m>"]],
  };
  const html = renderSamples(input);
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/(src|href)=|:\/\/|NaN|undefined|Infinity|<(1|others|2|m|square)>/);
  expect([...html.matchAll(/<figcaption>chain \d+,/g)]).toHaveLength(24);
  expect(html).toContain("and 6 more");
  for (const text of ["chains &lt;1&gt;", "the &lt;others&gt;", "1 &lt;2&gt;", "&lt;m&gt;"]) {
    expect(html).toContain(text);
  }
});
