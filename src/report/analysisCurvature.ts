import type { Curvature } from "../analysis/curvature.ts";
import type { Landscape } from "../analysis/landscape.ts";
import { TERMS, type Term } from "../analysis/lossTerms.ts";
import { densityFigure } from "./densityFigure.ts";
import { dotPlot, type DotRow, type DotValue } from "./dotPlot.ts";
import { formatCount, formatLoss, formatPercent, formatPercentError } from "./format.ts";
import { escapeHtml, scrollTable } from "./html.ts";
import { lossWithError } from "./numbers.ts";
import { termSeries } from "./termSeries.ts";
import { isFiniteNumber } from "./types.ts";

type Found = readonly (readonly [Term, Curvature])[];

/** The curvature of each term in a picture, figures with what they mean, and the spectrum's density if it was drawn. */
export function curvatureFigures(result: Landscape): string {
  const found: Found = TERMS.flatMap((term) => (result[term] ? [[term, result[term]] as const] : []));
  if (found.length === 0) return "";
  const isHessian = result.matrix === "hessian";
  const matrix = isHessian
    ? "the Hessian, the matrix of second derivatives by the weights"
    : "the Gauss-Newton matrix, the Hessian without the part in which predictions bend";
  const caption =
    `How steeply each term bends around the model's weights: eigenvalues of ${matrix}, of ` +
    `${formatCount(result.samples)} molecules and ${result.rotations} rotations of each, on a logarithmic axis. ` +
    "lambdaMax is the curvature along the steepest direction and lambda_k along the k-th steepest; −lambdaMin is shown " +
    "where the term bends downwards somewhere; the trace is the sum of all eigenvalues. Marks are the distance " +
    "within which an eigenvalue lies, and one standard error of the trace.";
  return (
    `<figure>${eigenvaluePlot(found)}<figcaption>${escapeHtml(caption)}</figcaption></figure>` +
    `<div class="meaning">${figureTable(found, isHessian)}</div>` +
    densityFigure(found)
  );
}

function eigenvaluePlot(found: Found): string {
  const row = (label: string, of: (curvature: Curvature) => DotValue): DotRow => {
    return { label, values: [found.map(([, curvature]) => of(curvature))] };
  };
  const ks = [...new Set(found.flatMap(([, { lambdas }]) => lambdas.map(({ k }) => k)))].sort((a, b) => a - b);
  const lambda = (curvature: Curvature, k: number) => curvature.lambdas.find((one) => one.k === k);
  const rows = [
    row("trace", ({ trace, traceStdErr }) => ({ value: trace, error: traceStdErr })),
    row("lambdaMax", ({ lambdaMax, lambdaMaxResidual }) => ({ value: lambdaMax, error: lambdaMaxResidual })),
    ...ks.map((k) =>
      row(`lambda_${k}`, (of) => ({ value: lambda(of, k)?.value ?? null, error: lambda(of, k)?.residual ?? null })),
    ),
    row("−lambdaMin", ({ lambdaMin, lambdaMinBound }) => ({ value: -lambdaMin, error: lambdaMinBound })),
  ];
  const drawn = rows.filter(({ values }) => values[0]!.some(({ value }) => isFiniteNumber(value) && value > 0));
  return dotPlot({
    description: "Trace, largest eigenvalues and the smallest one of each term's matrix, on a logarithmic axis.",
    panels: [{ name: "curvature", width: 1, series: found.map(([term]) => termSeries(term)), format: formatLoss }],
    rows: drawn,
  });
}

type Row = [name: string, cell: (of: Curvature) => string, meaning: string];

function figureTable(found: Found, isHessian: boolean): string {
  const lambdas = found[0]![1].lambdas.map(({ k }) => k);
  const lambda = (of: Curvature, k: number) => of.lambdas.find((one) => one.k === k);
  const relative = (value: number | undefined) => (isFiniteNumber(value) ? `${formatPercent(100 * value)} %` : "–");
  const rows: Row[] = [
    [
      "lambdaMax",
      (of) => lossWithError(of.lambdaMax, of.lambdaMaxResidual),
      "the largest eigenvalue, and within what distance one lies",
    ],
    ...lambdas.map((k): Row => [
      `lambda_${k}`,
      (of) => lossWithError(lambda(of, k)?.value, lambda(of, k)?.residual),
      `the ${k}${k === 2 ? "nd" : k === 3 ? "rd" : "th"} largest; where its distance is large, take more products`,
    ]),
    [
      "lambdaMin",
      (of) => lossWithError(of.lambdaMin, of.lambdaMinBound),
      "the smallest; below 0 the term bends downwards along that direction",
    ],
    ["trace", (of) => lossWithError(of.trace, of.traceStdErr), "the sum of all, with its standard error"],
    [
      "trace / lambdaMax",
      (of) => formatLoss(of.traceOverMax),
      "so many directions as steep as the steepest would make up the trace: larger is better conditioned",
    ],
    ...lambdas
      .slice(-1)
      .map((k): Row => [
        `lambdaMax / lambda_${k}`,
        (of) => formatLoss(lambda(of, k)?.maxOverLambda),
        `a condition number of the ${k} steepest directions alone: near 1 they are alike`,
      ]),
    ...(isHessian
      ? ([
          [
            "negative share",
            (of) => `${formatPercentError(100 * of.negativeShare, 100 * of.negativeShareStdErr)} %`,
            "what negative eigenvalues are of the sum of absolute ones",
          ],
        ] satisfies Row[])
      : []),
    ...(found.some(([, of]) => of.productStepError !== undefined)
      ? ([
          [
            "error of a product",
            (of) => relative(of.productStepError),
            "how far a product changes if its difference is taken over twice the step",
          ],
        ] satisfies Row[])
      : []),
    ["products", (of) => formatCount(of.products), "of the matrix with a vector, that were taken"],
  ];
  const head = ["", ...found.map(([term]) => `of ${termSeries(term).label}`), "what it is"];
  return scrollTable(
    "figures of the curvature",
    head,
    rows.map(([name, cell, meaning]) => [name, ...found.map(([, of]) => cell(of)), meaning].map(escapeHtml)),
  );
}
