import type { GradientResult, TermGradients } from "../analysis/gradients.ts";
import { TERMS } from "../analysis/lossTerms.ts";
import { dotPlot, type DotRow } from "./dotPlot.ts";
import { formatCount, formatLoss, formatPercentError } from "./format.ts";
import { escapeHtml, scrollTable } from "./html.ts";
import { lossWithError, twoDecimals, withError } from "./numbers.ts";
import { TERM_SERIES } from "./termSeries.ts";

const CAPTION =
  "A gradient is the direction in which the weights would have to change for a term to grow fastest; its norm is how " +
  "fast. Left: the norms of the gradients of the whole loss L and of its two terms, on a logarithmic axis. Right: the " +
  "cosine of the angle between the gradients of L_mean and L_equiv: above 0 a step that lowers one lowers the other " +
  "too, at 0 they are independent, below 0 they are at odds. Marks are one standard error over molecules, to either " +
  "side. The norm of a gradient that is small beside its error is overestimated.";

/** Norms of the terms' gradients and their cosine, layer by layer. */
export function gradientFigures(result: GradientResult): string {
  const rows: [string, TermGradients][] = [["all layers", result], ...result.byLayer.map(byName)];
  const plot = dotPlot({
    description: `Norms of the gradients of L, L_mean and L_equiv, and the cosine between them, by layer.`,
    panels: [
      { name: "norm of the gradient", width: 1.9, series: TERM_SERIES, format: formatLoss },
      {
        name: "cosine of grad L_mean and grad L_equiv",
        width: 1,
        series: [{ key: "loss-zero", label: "cosine", marker: "circle" }],
        range: [-1, 1],
        format: twoDecimals,
        tickLabel: (value) => String(value).replace("-", "−"),
      },
    ],
    rows: rows.map(([label, of]): DotRow => {
      const norms = TERMS.map((term) => ({ value: of[term].norm, error: of[term].normStdErr }));
      return { label, values: [norms, [{ value: of.cosineMeanEquiv, error: of.cosineMeanEquivStdErr }]] };
    }),
  });
  const head = ["layer", "weights", "|grad L|", "|grad L_mean|", "|grad L_equiv|", "equiv / L", "cosine"];
  const cells = rows.map(([label, of], i) =>
    [
      label,
      i === 0 ? formatCount(result.byLayer.reduce((sum, { weights }) => sum + weights, 0)) : weightsOf(result, i - 1),
      ...TERMS.map((term) => lossWithError(of[term].norm, of[term].normStdErr)),
      `${formatPercentError(of.percentGradient, of.percentGradientStdErr)} %`,
      withError(of.cosineMeanEquiv, of.cosineMeanEquivStdErr, twoDecimals),
    ].map(escapeHtml),
  );
  const count = `The gradients are of ${formatCount(result.samples)} molecules and ${result.rotations} rotations of each.`;
  return (
    `<figure>${plot}<figcaption>${escapeHtml(`${CAPTION} ${count}`)}</figcaption></figure>` +
    scrollTable("gradients by layer", head, cells) +
    `<p class="caption">equiv / L is 100 |grad L_equiv| / |grad L|, to be seen beside percentEquiv, the share of the ` +
    `loss itself. The shares of the two terms do not add up to 100 %, for their gradients have different directions.</p>`
  );
}

const byName = (of: GradientResult["byLayer"][number]): [string, TermGradients] => [of.layer, of];
const weightsOf = ({ byLayer }: GradientResult, i: number) => formatCount(byLayer[i]!.weights);
