import { expect, test } from "vitest";
import { ANALYSES, type AnalysisResults } from "../../src/analysis/results.ts";
import { renderAnalysis } from "../../src/report/analysisPage.ts";
import { sampleAnalysis, sampleSlices } from "./analysisSample.ts";

const facts = [["model", "runs/<tiny>/model.safetensors"]] as const;
/** Without its script. */
const page = (results: AnalysisResults, what: readonly (typeof ANALYSES)[number][] = ANALYSES) =>
  renderAnalysis({ title: "tiny <1> & more", what, results, facts, notes: ["a <remark>"] }).split("<script>")[0]!;
const headings = (html: string) => [...html.matchAll(/<h2>([^<]+)</g)].map(([, name]) => name);
const headline = (html: string) =>
  [...html.matchAll(/<div><dt>([^<]+)<\/dt><dd class="value">([^<]+?)(?: <small>([^<]+)<\/small>)?<\/dd>/g)].map(
    (match) => match.slice(1).filter(Boolean),
  );

test("the page stands alone, and all texts in it are escaped", () => {
  const html = page(sampleAnalysis());
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/(src|href)=|:\/\//);
  for (const text of ["tiny &lt;1&gt; &amp; more", "runs/&lt;tiny&gt;", "conv &lt;in&gt;", "a &lt;remark&gt;"]) {
    expect(html).toContain(text);
  }
  expect(html).not.toMatch(/<(in|tiny|1|remark)>/);
  expect(html).not.toMatch(/NaN|undefined|Infinity|null/);
});

test("it has a section for each analysis that was asked for, and no other", () => {
  const all = sampleAnalysis();
  const last = "How it was made";
  expect(headings(page(all))).toEqual(["Gradients", "Curvature", "Parameter space", "Hidden features", last]);
  expect(headings(page({ landscape: all.landscape }, ["landscape"]))).toEqual(["Curvature", last]);
  expect(headings(page(all, ["latents", "gradients"]))).toEqual(["Gradients", "Hidden features", last]);
});

test("its headline has the figures of what was found", () => {
  const all = sampleAnalysis();
  expect(headline(page(all))).toEqual([
    ["percentEquiv", "12.3", "± 0.8 %"],
    ["percentGradient", "33.3", "± 1.5 %"],
    ["cosine of the gradients", "0.25", "± 0.05"],
    ["lambdaMax of L", "4.000"],
    ["lambdaMax of L_mean", "3.200"],
    ["lambdaMax of L_equiv", "8.000e-2"],
    ["|theta_perp| / |theta|", "0.600"],
    ["hidden features&#39; cosine", "0.50", "± 0.03"],
  ]);
  // Without gradients the share of the loss is that at the end of the line.
  const [percent, ratio] = headline(page({ parameters: all.parameters }, ["parameters"]));
  expect(percent).toEqual(["percentEquiv", "28.6", "± 0.1 %"]);
  expect(ratio![0]).toBe("|theta_perp| / |theta|");
});

test("gradients stand by layer in chart and table, with their errors", () => {
  const html = page(sampleAnalysis(), ["gradients"]);
  expect(html).toContain("<title>final, L_equiv: 1.000e-5 ± 1.000e-6</title>");
  expect(html).toContain("<title>all layers, cosine: 0.25 ± 0.05</title>");
  const cells = [...html.matchAll(/<tr>(<td>.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<td>([^<]*)<\/td>/g)].map(([, cell]) => cell),
  );
  expect(cells).toHaveLength(3);
  expect(cells[0]!.slice(0, 3)).toEqual(["all layers", "", "3.000e-2 ± 2.0e-3"]);
  expect(cells[2]).toEqual([
    ...["final", "234", "3.000e-5 ± 2.0e-6", "2.500e-5 ± 4.0e-6", "1.000e-5 ± 1.0e-6"],
    ...["33.3 ± 1.5 %", "0.25 ± 0.05"],
  ]);
});

test("curvature has a column a term, and a spectrum where there is one", () => {
  const { landscape } = sampleAnalysis();
  const html = page({ landscape }, ["landscape"]);
  expect(html).toContain("<td>lambdaMax</td><td>4.000 ± 1.0e-2</td><td>3.200 ± 8.0e-3</td><td>8.000e-2 ± 2.0e-4</td>");
  expect(html).toContain("<td>lambdaMin</td><td>−0.1250 ± 1.0e-2</td>");
  expect(html).toContain("<title>−lambdaMin, L: 0.1250 ± 1.000e-2</title>");
  expect(html).toContain("<td>error of a product</td><td>0.02 %</td>");
  expect(html.match(/id="density-\w+-clip"/g)).toHaveLength(3);
  const bare = { ...landscape.equiv!, density: undefined, productStepError: undefined };
  const exact = page({ landscape: { ...landscape, total: undefined, mean: undefined, equiv: bare } }, ["landscape"]);
  expect(exact).not.toMatch(/density|error of a product|of L_mean<\/th>/);
  const gaussNewton = page({ landscape: { ...landscape, matrix: "gaussNewton" } }, ["landscape"]);
  expect(gaussNewton).toContain("the Gauss-Newton matrix");
  expect(gaussNewton).not.toContain("negative share");
});

/** Slopes between the points of a curve, in pixels. */
function slopes(html: string, key: string): number[] {
  const [, path] = html.match(new RegExp(`<g class="series ${key}"><path class="line" d="([^"]*)"`))!;
  const points = [...path!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  return points.slice(1).map(([x, y], i) => (y - points[i]![1]) / (x - points[i]![0]));
}

test("a loss that grows as s^2 is a straight line, and the words say how far the fit holds", () => {
  const html = page(sampleAnalysis(), ["parameters"]);
  const found = slopes(html, "loss-equiv");
  expect(found).toHaveLength(3);
  for (const slope of found) expect(slope / found[0]!).toBeCloseTo(1, 2);
  for (const slope of slopes(html, "loss-mean")) expect(slope).toBeCloseTo(0, 6);
  expect(html).toContain("L_equiv begins as (4.000e-3 ± 4.0e-4) s²");
  expect(html).toContain("Up to s = 0.25 the fit misses at most 10 % of the rise; at s = 0.5 more");
  expect(html).not.toContain("L_equiv at s = 0");
  // Kernels of edge 1 have no ratio to show.
  expect(html).toContain("<title>conv &lt;in&gt;, the model&#39;s: 0.60</title>");
  expect(html).not.toContain("shortcut");
});

test("a net that no kernels make equivariant has its L_equiv at s = 0 as a line", () => {
  const html = page(sampleAnalysis({ offset: 2e-3 }), ["parameters"]);
  expect(html).toContain("L_equiv at s = 0");
  expect(html).toContain("where L_equiv is 2.000e-3: it goes down in a way");
});

test("it says what was interrupted, and what was never begun", () => {
  const { landscape, parameters } = sampleAnalysis();
  const unknown = { ...landscape.total!, lambdaMax: NaN, trace: NaN, traceStdErr: NaN, traceOverMax: NaN, lambdas: [] };
  const html = page({
    landscape: { ...landscape, total: unknown, mean: undefined, equiv: undefined, interrupted: true },
    parameters: { ...parameters, line: [], fit: null, interrupted: true },
  });
  const notes = [...html.matchAll(/<li>([^<]+)</g)].map(([, note]) => note);
  expect(notes).toEqual([
    "a &lt;remark&gt;",
    "Gradients: stopped before anything was known.",
    "Curvature: interrupted; the figures are of what was done by then.",
    "Parameter space: interrupted; the figures are of what was done by then.",
    "Hidden features: stopped before anything was known.",
  ]);
  expect(html.match(/It was stopped before anything was known\./g)).toHaveLength(2);
  expect(html).toContain("No point of the line is known yet.");
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});

test("slices are curves along each direction and a map of each term on the plane", () => {
  const { landscape } = sampleAnalysis();
  const html = page({ landscape, slices: sampleSlices() }, ["landscape"]);
  for (const id of ["random", "mean", "equiv"]) expect(html).toContain(`id="slice-${id}-clip"`);
  expect(html.match(/class="chart heat"/g)).toHaveLength(2);
  // L_equiv at steps -1 and 1 is 3 times that at the weights.
  expect(html).toMatch(
    /<title>steps −1 and 1: L_equiv 6\.000e-3<\/title><rect [^>]*fill-opacity="1"\/><text [^>]*>3\.00</,
  );
  expect(html).toContain("whose cosine is −0.25");
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});

test("slices that were stopped have a note, and what is known of them", () => {
  const { landscape } = sampleAnalysis();
  const slices = { ...sampleSlices(), plane: undefined, interrupted: true };
  const html = page({ landscape, slices }, ["landscape"]);
  expect(html).toContain("<li>Slices: interrupted; the points are those that were done by then.</li>");
  expect(html).not.toContain("chart heat");
  expect(page({ landscape }, ["landscape"])).not.toContain('id="slice-');
});
