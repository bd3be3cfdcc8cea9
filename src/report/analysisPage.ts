import type { SampleMean } from "../analysis/featureTally.ts";
import type { LatentResult } from "../analysis/latents.ts";
import { TERMS } from "../analysis/lossTerms.ts";
import { type Analysis, ANALYSES, type AnalysisResults } from "../analysis/results.ts";
import { requireArray, requireObject } from "../check.ts";
import { curvatureFigures } from "./analysisCurvature.ts";
import { gradientFigures } from "./analysisGradients.ts";
import { parameterFigures } from "./analysisParameters.ts";
import { sliceFigures } from "./analysisSlices.ts";
import { ANALYSIS_STYLE } from "./analysisStyle.ts";
import { formatLoss, formatPercentError } from "./format.ts";
import { type HeadlineFigure, headlineHtml } from "./headline.ts";
import { definitionList, escapeHtml } from "./html.ts";
import { latentFigure } from "./latentFigure.ts";
import { twoDecimals, withError } from "./numbers.ts";
import { htmlPage, section, SELF_CONTAINED } from "./page.ts";
import { SCRIPT } from "./script.ts";
import { termSeries } from "./termSeries.ts";
import { isFiniteNumber } from "./types.ts";

/** What the page of an analysis is made from. */
export interface AnalysisPageInput {
  readonly title: string;
  /** What was asked for: the page has a section for each. */
  readonly what: readonly Analysis[];
  readonly results: AnalysisResults;
  /** Remarks near the top. */
  readonly notes?: readonly string[];
  /** Names and values of what it was made with: model, molecules, seed. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What losses are means over; "voxel and channel" by default. */
  readonly lossPer?: string;
}

const TITLES: Readonly<Record<Analysis, string>> = {
  gradients: "Gradients",
  landscape: "Curvature",
  parameters: "Parameter space",
  latents: "Hidden features",
};

const LEAD =
  "The loss of a model is the sum of two terms: L_mean, the loss of its prediction averaged over rotations, and " +
  "L_equiv, how far the predictions of rotated inputs part. L_equiv is rotation symmetry that was not learned.";

/**
 * An analysis as one HTML file that needs nothing else: headline figures, then a section for each analysis that was
 * asked for, with charts, tables and what they mean. Works from disk, without script, in light and dark, and in print.
 * A pure function of its input: no date, no randomness.
 */
export function renderAnalysis(input: AnalysisPageInput): string {
  requireObject("input", input, "Give { title, what, results, facts }.");
  requireArray("what", input.what, `Give some of ${ANALYSES.join(", ")}.`);
  requireObject("results", input.results, "Give what the analyses resolved to.");
  const { title, results, lossPer = "voxel and channel" } = input;
  const asked = ANALYSES.filter((name) => input.what.includes(name));
  const notes = [...(input.notes ?? []), ...asked.flatMap((name) => interruptionNote(name, results))];
  const items = notes.map((note) => `<li>${escapeHtml(note)}</li>`);
  const figures = headline(results);
  return htmlPage({
    title,
    style: ANALYSIS_STYLE,
    script: SCRIPT,
    header: `<p class="eyebrow">voxtwirl analyze</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(LEAD)}</p>
${figures.length > 0 ? headlineHtml(figures) : ""}
${items.length > 0 ? `<ul class="notes">${items.join("")}</ul>` : ""}`,
    body: [
      ...asked.map((name) => section(TITLES[name], body(name, results, lossPer) || NOTHING)),
      section("How it was made", definitionList(input.facts.map(([name, value]) => [name, value]))),
    ].join("\n"),
    footer: SELF_CONTAINED,
  });
}

const NOTHING = `<p class="empty">It was stopped before anything was known.</p>`;

function body(
  name: Analysis,
  { gradients, landscape, slices, parameters, latents }: AnalysisResults,
  lossPer: string,
): string {
  if (name === "gradients") return gradients ? gradientFigures(gradients) : "";
  if (name === "landscape") {
    return (landscape ? curvatureFigures(landscape) : "") + (slices ? sliceFigures(slices, lossPer) : "");
  }
  if (name === "parameters") return parameters ? parameterFigures(parameters) : "";
  if (!latents) return "";
  return (["cosine", "centred"] as const).map((which) => latentFigure(latents, which)).join("");
}

function interruptionNote(name: Analysis, results: AnalysisResults): string[] {
  const found = results[name];
  if (!found) return [`${TITLES[name]}: stopped before anything was known.`];
  if (name === "landscape" && results.slices?.interrupted) {
    return ["Slices: interrupted; the points are those that were done by then."];
  }
  if (!found.interrupted) return [];
  return [`${TITLES[name]}: interrupted; the figures are of what was done by then.`];
}

function headline({ gradients, landscape, parameters, latents }: AnalysisResults): HeadlineFigure[] {
  const share = gradients ?? parameters?.line.find(({ s }) => s === 1);
  return [
    ...(share
      ? [percentFigure("percentEquiv", share.percentEquiv, share.percentEquivStdErr, "of the loss is lost symmetry")]
      : []),
    ...(gradients
      ? [
          percentFigure(
            "percentGradient",
            gradients.percentGradient,
            gradients.percentGradientStdErr,
            "|grad L_equiv| of |grad L|",
          ),
          {
            name: "cosine of the gradients",
            ...valueAndError(withError(gradients.cosineMeanEquiv, gradients.cosineMeanEquivStdErr, twoDecimals)),
            more: "of L_mean and of L_equiv",
          },
        ]
      : []),
    ...TERMS.flatMap((term): HeadlineFigure[] => {
      const found = landscape?.[term];
      if (!found) return [];
      return [
        {
          name: `lambdaMax of ${termSeries(term).label}`,
          value: formatLoss(found.lambdaMax),
          more: `trace / lambdaMax ${isFiniteNumber(found.traceOverMax) ? found.traceOverMax.toPrecision(3) : "–"}`,
        },
      ];
    }),
    ...(parameters
      ? [
          {
            name: "|theta_perp| / |theta|",
            value: parameters.norms.ratio.toFixed(3),
            more: `of all kernels; ${parameters.norms.randomRatio.toFixed(3)} if random`,
          },
        ]
      : []),
    ...(latents ? latentHeadline(latents) : []),
  ];
}

/** The layer whose maps stay least alike. */
function latentHeadline({ layers }: LatentResult): HeadlineFigure[] {
  const known = layers.filter(({ trained }) => isFiniteNumber(trained.rotated.centred.mean));
  if (known.length === 0) return [];
  const centred = (layer: (typeof known)[number]): SampleMean => layer.trained.rotated.centred;
  const least = known.reduce((a, b) => (centred(b).mean < centred(a).mean ? b : a));
  const { mean, stdErr } = centred(least);
  const more = `centred; the least of all layers, ${least.name}`;
  return [{ name: "hidden features' cosine", ...valueAndError(withError(mean, stdErr, twoDecimals)), more }];
}

function percentFigure(name: string, percent: number, error: number, more: string): HeadlineFigure {
  const { value, small } = valueAndError(formatPercentError(percent, error));
  return { name, value, small: small ? `${small} %` : "%", more };
}

/** "0.31 ± 0.02" in two sizes. */
function valueAndError(text: string): { value: string; small?: string } {
  const [value, error] = text.split(" ± ") as [string, string?];
  return { value, ...(error !== undefined && { small: `± ${error}` }) };
}
