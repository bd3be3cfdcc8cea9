import type { Curvature } from "../analysis/curvature.ts";
import type { SampleMean } from "../analysis/featureTally.ts";
import type { GradientResult, TermGradients } from "../analysis/gradients.ts";
import type { Landscape } from "../analysis/landscape.ts";
import { TERMS, type Term } from "../analysis/lossTerms.ts";
import type { ParameterSpace } from "../analysis/parameterSpace.ts";
import type { AnalysisResults } from "../analysis/results.ts";
import type { SlicePoint } from "../analysis/slices.ts";
import type { TermSlices } from "../analysis/termSlices.ts";
import { SLICE_NAMES } from "../report/analysisSlices.ts";
import { countOf, formatCount, formatLoss, formatPercent, formatPercentError } from "../report/format.ts";

/** A table under a heading: the first column to the left, the rest to the right, as wide as they need. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  return [head, ...rows].map((row) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]! + 2))).join("")}`.trimEnd(),
  );
}

const plusMinus = (value: number, error: number, format: (value: number) => string) =>
  Number.isFinite(error) ? `${format(value)} ± ${format(error)}` : format(value);
const cosine = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : "–");
const percent = (value: number, error: number) => `${formatPercentError(value, error)} %`;

/** How results are shown. */
export interface ShownAnalysis {
  /** Of layers those that a pattern leaves out are not. */
  readonly shows: (layer: string) => boolean;
  /** What samples are, one of them: "molecule". */
  readonly one: string;
}

/** What was found, as lines for people. */
export function analysisLines(results: AnalysisResults, { shows, one }: ShownAnalysis): string[] {
  const { gradients, landscape, slices, parameters, latents } = results;
  return [
    ...(gradients ? gradientLines(gradients, shows, one) : []),
    ...(landscape ? landscapeLines(landscape, one) : []),
    ...(slices ? sliceLines(slices, one) : []),
    ...(parameters ? parameterLines(parameters, shows, one) : []),
    ...(latents ? latentLines(latents, one) : []),
  ];
}

const part = (interrupted: boolean, count: number, one: string) =>
  `${interrupted ? ", interrupted" : ""}: ${countOf(count, one)}`;

function gradientLines(result: GradientResult, shows: (layer: string) => boolean, one: string): string[] {
  const row = (name: string, of: TermGradients) => [
    name,
    ...TERMS.map((term) => plusMinus(of[term].norm, of[term].normStdErr, formatLoss)),
    percent(of.percentGradient, of.percentGradientStdErr),
    plusMinus(of.cosineMeanEquiv, of.cosineMeanEquivStdErr, cosine),
  ];
  const layers = result.byLayer.filter(({ layer }) => shows(layer));
  const head = ["|gradient|", "of L", "of L_mean", "of L_equiv", "equiv / L", "cos(mean, equiv)"];
  return [
    `Gradients of the loss and its terms${part(result.interrupted, result.samples, one)}`,
    ...table(head, [row("all layers", result), ...layers.map((of) => row(of.layer, of))]),
    `  percentEquiv ${percent(result.percentEquiv, result.percentEquivStdErr)} of the loss on the same ${one}s`,
    "",
  ];
}

/** Of a Gauss-Newton matrix there is none. */
const NEGATIVE: [string, (of: Curvature) => string] = [
  "negative share",
  (of) => percent(100 * of.negativeShare, 100 * of.negativeShareStdErr),
];

function landscapeLines(result: Landscape, one: string): string[] {
  const found = TERMS.flatMap((term): [Term, Curvature][] => (result[term] ? [[term, result[term]]] : []));
  if (found.length === 0) return [];
  const rows: [string, (of: Curvature) => string][] = [
    ["lambdaMax", (of) => formatLoss(of.lambdaMax)],
    ["  |A v - lambda v|", (of) => formatLoss(of.lambdaMaxResidual)],
    ...found[0]![1].lambdas.map(({ k }): [string, (of: Curvature) => string] => [
      `lambda_${k}`,
      (of) => formatLoss(of.lambdas.find((one) => one.k === k)?.value),
    ]),
    ["lambdaMin", (of) => formatLoss(of.lambdaMin)],
    ["trace", (of) => plusMinus(of.trace, of.traceStdErr, formatLoss)],
    ["trace / lambdaMax", (of) => formatLoss(of.traceOverMax)],
    ...(result.matrix === "hessian" ? [NEGATIVE] : []),
    ["products", (of) => formatCount(of.products)],
  ];
  const name = result.matrix === "hessian" ? "Hessian" : "Gauss-Newton matrix";
  const names = { total: "of L", mean: "of L_mean", equiv: "of L_equiv" };
  return [
    `Curvature, eigenvalues of the ${name}${part(result.interrupted, result.samples, one)}`,
    ...table(
      ["", ...found.map(([term]) => names[term])],
      rows.map(([label, cell]) => [label, ...found.map(([, of]) => cell(of))]),
    ),
    "",
  ];
}

/** Of a line, so many points on both sides are shown; the page and the JSON have all. */
const SHOWN_STEPS = [-1, -0.5, 0, 0.5, 1];

function sliceLines({ lines, plane, samples, interrupted }: TermSlices, one: string): string[] {
  const losses = ({ lossTotal, lossMean, lossEquiv }: SlicePoint) => [lossTotal, lossMean, lossEquiv].map(formatLoss);
  const shown = lines.flatMap(({ direction, length, points }) => [
    `  along ${SLICE_NAMES[direction]}, step 1 being ${formatLoss(length)} long`,
    ...table(
      ["step", "L", "L_mean", "L_equiv"],
      points
        .filter(({ at }) => SHOWN_STEPS.includes(at[0]!))
        .map((point) => [point.at[0]!.toFixed(1), ...losses(point)]),
    ),
  ]);
  return [
    `Slices of the loss and its terms${part(interrupted, samples, one)}`,
    ...shown,
    ...(plane
      ? [`  plane of both, cosine ${cosine(plane.cosine)}: ${plane.points.length} points, see --json or --html`]
      : []),
    "",
  ];
}

function parameterLines(result: ParameterSpace, shows: (layer: string) => boolean, one: string): string[] {
  const { norms, line, fit } = result;
  const row = (name: string, of: { norm: number; perpendicular: number; ratio: number; randomRatio: number }) => [
    name,
    ...[of.norm, of.perpendicular].map(formatLoss),
    ...[of.ratio, of.randomRatio].map(cosine),
  ];
  const layers = norms.byLayer.filter(({ layer, edge }) => edge > 1 && shows(layer));
  const head = ["kernels", "|theta|", "|theta_perp|", "ratio", "if random"];
  const points = line.map((point) => [
    point.s.toFixed(3),
    plusMinus(point.lossEquiv, point.lossEquivStdErr, formatLoss),
    plusMinus(point.lossMean, point.lossMeanStdErr, formatLoss),
    percent(point.percentEquiv, point.percentEquivStdErr),
  ]);
  return [
    `Parameter space: theta = P theta + theta_perp, P theta being equivariant under the cube's rotations`,
    ...table(head, [row("all kernels", norms), ...layers.map((of) => row(of.layer, of))]),
    "",
    `  On the line P theta + s theta_perp${part(result.interrupted, result.samples, one)}`,
    ...table(["s", "lossEquiv", "lossMean", "percentEquiv"], points),
    ...(fit
      ? [
          `  lossEquiv ~ ${formatLoss(fit.curvature)} s^2${fit.exact ? "" : " and terms below"}, ` +
            `within ${formatPercent(100 * fit.tolerance)} % up to s = ${fit.holdsTo}`,
        ]
      : []),
    "",
  ];
}

function latentLines({ layers, samples, interrupted }: NonNullable<AnalysisResults["latents"]>, one: string): string[] {
  const cell = ({ mean, stdErr }: SampleMean) => (Number.isFinite(mean) ? plusMinus(mean, stdErr, cosine) : "–");
  const rows = layers.map(({ name, size, trained, initial }) => [
    size === null ? name : `${name} (${size}^3)`,
    cell(trained.rotated.cosine),
    cell(trained.others.cosine),
    cell(initial.rotated.cosine),
    cell(trained.rotated.centred),
    cell(trained.others.centred),
    cell(initial.rotated.centred),
  ]);
  const other = `other ${one}`;
  const head = ["cosine", "rotated", other, "untrained", "centred", other, "untrained"];
  return [
    `Hidden features, cos(h(x), T^-1 h(T x)) in the mean over rotations${part(interrupted, samples, one)}`,
    ...table(head, rows),
    "",
  ];
}

/** The same for programs: `vectors` of weights are left out, and layers that a pattern leaves out. */
export function analysisJson(results: AnalysisResults, shows: (layer: string) => boolean): object {
  const { landscape, ...others } = ofLayers(results, shows);
  return { ...others, ...(landscape && { landscape: withoutVectors(landscape) }) };
}

/** Without the layers that a pattern leaves out. */
export function ofLayers(results: AnalysisResults, shows: (layer: string) => boolean): AnalysisResults {
  const { gradients, parameters } = results;
  const own = <T extends { readonly layer: string }>(layers: readonly T[]) =>
    layers.filter(({ layer }) => shows(layer));
  return {
    ...results,
    ...(gradients && { gradients: { ...gradients, byLayer: own(gradients.byLayer) } }),
    ...(parameters && {
      parameters: { ...parameters, norms: { ...parameters.norms, byLayer: own(parameters.norms.byLayer) } },
    }),
  };
}

function withoutVectors(found: Landscape): object {
  const terms = TERMS.map((term) => ({ [term]: found[term] && { ...found[term], vectors: undefined } }));
  return Object.assign({}, found, ...terms) as object;
}
