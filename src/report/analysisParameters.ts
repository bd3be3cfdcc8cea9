import type { LinePoint, ParameterSpace } from "../analysis/parameterSpace.ts";
import { type ChartSpec, hasDrawable, renderChart } from "./chart.ts";
import { dotPlot, type DotRow } from "./dotPlot.ts";
import { formatCount, formatLoss } from "./format.ts";
import { escapeHtml } from "./html.ts";
import { lossWithError, twoDecimals } from "./numbers.ts";
import { percentText } from "./table.ts";
import { isFiniteNumber } from "./types.ts";

/** The losses on the line to the projected weights, and what of each kernel the projection takes away. */
export function parameterFigures(result: ParameterSpace): string {
  return lineFigure(result) + ratioFigure(result);
}

function lineFigure({ line, fit, samples, rotations }: ParameterSpace): string {
  const band = (of: (point: LinePoint) => [value: number, error: number]) =>
    line.map((point) => {
      const [value, error] = of(point);
      const known = point.s > 0 && isFiniteNumber(error);
      return { x: point.s, low: known ? value - error : null, high: known ? value + error : null };
    });
  const own = line.flatMap((point) => (point.s > 0 ? [point] : []));
  const [first] = line;
  const spec: ChartSpec = {
    id: "line",
    description: "L_mean and L_equiv along the line from the projected to the model's own weights, logarithmic axes.",
    yLabel: "loss per voxel and channel",
    xAxis: { name: "s, from the projected weights to the model's own at 1", scale: "log", tickLabel: shortFraction },
    series: [
      { key: "loss-mean", label: "L_mean", points: own.map((of) => ({ x: of.s, y: of.lossMean })), marker: "square" },
      {
        ...{ key: "loss-equiv", label: "L_equiv", marker: "diamond" },
        points: own.map((of) => ({ x: of.s, y: of.lossEquiv })),
      },
      ...(fit
        ? [
            {
              ...{ key: "fit", label: "fit to L_equiv", layer: 1 },
              points: line.flatMap(({ s }, i) => (s > 0 ? [{ x: s, y: fit.fitted[i] ?? null }] : [])),
            },
          ]
        : []),
    ],
    bands: [
      { key: "loss-mean", label: "± 1 standard error", points: band((of) => [of.lossMean, of.lossMeanStdErr]) },
      { key: "loss-equiv", label: "± 1 standard error", points: band((of) => [of.lossEquiv, of.lossEquivStdErr]) },
    ],
    // On a logarithmic axis s = 0 has no place.
    rules:
      first && fit && !fit.exact
        ? [{ key: "offset", label: "L_equiv at s = 0", short: "s = 0", y: first.lossEquiv }]
        : [],
    hover: own.map((point) => ({
      x: point.s,
      title: `s = ${shortFraction(point.s)}`,
      lines: [
        { key: "loss-mean", name: "L_mean", text: lossWithError(point.lossMean, point.lossMeanStdErr) },
        { key: "loss-equiv", name: "L_equiv", text: lossWithError(point.lossEquiv, point.lossEquivStdErr) },
        { key: "percent", name: "percentEquiv", text: percentText(point) },
      ],
    })),
    plotHeight: 320,
  };
  if (!hasDrawable(spec)) return `<p class="empty">No point of the line is known yet.</p>`;
  const caption =
    `The losses at the weights P theta + s theta_perp, of ${formatCount(samples)} molecules and ${rotations} ` +
    "rotations of each; both axes are logarithmic, so that a loss that grows as s² is a straight line of slope 2. " +
    "P theta has every kernel replaced by its mean over the rotations of the cube; theta_perp is the rest.";
  return `<figure>${renderChart(spec)}<figcaption>${escapeHtml(`${caption} ${fitWords(fit)}`)}</figcaption></figure>`;
}

function fitWords(fit: ParameterSpace["fit"]): string {
  if (!fit) return "Too few points are known for a fit.";
  const { exact, curvature, curvatureStdErr, holdsTo, failsAt, offset, slope, tolerance } = fit;
  const square = lossWithError(curvature, curvatureStdErr);
  const start = exact
    ? `The net is exactly equivariant at s = 0, where L_equiv begins as (${square}) s².`
    : `The net is not equivariant at s = 0, where L_equiv is ${formatLoss(offset)}: it goes down in a way that no ` +
      `kernels make equivariant. From there L_equiv begins as ${formatLoss(slope)} s + (${square}) s².`;
  const within = `misses at most ${Number((100 * tolerance).toPrecision(3))} % of the rise`;
  const end =
    failsAt === null
      ? `On the whole line the fit ${within}.`
      : holdsTo === 0
        ? "The fit holds at none of the points."
        : `Up to s = ${shortFraction(holdsTo)} the fit ${within}; at s = ${shortFraction(failsAt)} more.`;
  return `${start} ${end}`;
}

const shortFraction = (s: number): string => String(Number(s.toPrecision(3)));

function ratioFigure({ norms }: ParameterSpace): string {
  const layers = norms.byLayer.filter(({ edge }) => edge > 1);
  const rows = [{ layer: "all kernels", ...norms }, ...layers].map(({ layer, ratio, randomRatio }): DotRow => {
    return { label: layer, values: [[{ value: ratio }, { value: randomRatio }]] };
  });
  const plot = dotPlot({
    description: "The ratio of theta_perp to theta of each kernel, beside that of random kernels.",
    panels: [
      {
        name: "|theta_perp| / |theta|",
        width: 1,
        series: [
          { key: "loss-equiv", label: "the model's", marker: "circle" },
          { key: "random", label: "random kernels", marker: "square" },
        ],
        range: [0, 1],
        format: twoDecimals,
      },
    ],
    rows,
  });
  const caption =
    "Which part of each kernel is not the same from all sides: 0 for one that rotation leaves as it is. Kernels of " +
    "random numbers, as they are before training, have the ratio beside it, because few numbers of a kernel are free " +
    "under rotation; a ratio tells something where it is well below that. Kernels of edge 1 are left out: rotation " +
    "never changes them.";
  return `<figure>${plot}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
