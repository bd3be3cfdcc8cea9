/** Charts of one term of measured frames. */
import type { LossPart } from "../frames/degreeTally.ts";
import type { FrameTermDetails } from "../frames/termDetails.ts";
import type { FrameTermResult } from "../frames/termResult.ts";
import { hasDrawable, renderChart, type ChartSpec } from "./chart.ts";
import { dotPlot, type DotRow } from "./dotPlot.ts";
import { formatCount, formatLoss, formatPercent } from "./format.ts";
import { escapeHtml } from "./html.ts";
import { powerLabel } from "./scale.ts";

/** A term by its name, with what its charts are of. */
export interface ChartedTerm {
  readonly name: string;
  /** In ids of the page. */
  readonly id: string;
  readonly term: FrameTermResult;
  readonly details: FrameTermDetails | undefined;
}

/** A curve of so many points looks like one of all. */
const CURVE = 200;
/** A floor further below the curve would flatten it. */
const FAR = 30;
const ANGLES = [0, 30, 60, 90, 120, 150, 180];

/** What an axis of a term's own unit is called. */
export const sizeLabel = ({ unit }: FrameTermResult, what: string) => `${what}${unit === null ? "" : `, ${unit}`}`;

/** Spreads of structures by rising size; the worst one has a name. */
export function spreadChart({ name, id, term, details }: ChartedTerm): string {
  if (details === undefined || details.sample.length < 2) return "";
  const { sample, structures, worst } = details;
  const [first] = worst;
  const last = sample.length - 1;
  const places = [...new Set(Array.from({ length: CURVE }, (_, i) => Math.round((i * last) / (CURVE - 1))))];
  const points = places.map((at) => ({ x: (100 * at) / last, y: sample[at]!.spreadRms, frame: sample[at]!.frame }));
  const floor = term.floor.value;
  const lowest = sample.find(({ spreadRms }) => spreadRms > 0)?.spreadRms ?? 0;
  const near = floor > 0 && floor > lowest / FAR;
  const named = `frame ${first!.frame}, ${first!.formula}`;
  const spec: ChartSpec = {
    id: `${id}-spread`,
    description: `Spread of ${name} by structure, from the smallest to the largest, on a logarithmic axis.`,
    yLabel: sizeLabel(term, "spread"),
    series: [
      { key: "loss-equiv", label: "structures", points },
      { key: "loss-mean", label: `largest: ${named}`, points: [{ x: 100, y: first!.spreadRms }], marker: "square" },
    ],
    rules: near ? [{ key: "loss-zero", label: "floor", short: "floor", y: floor }] : [],
    xAxis: { name: "structures, % of all, by rising spread", scale: "linear", tickLabel: (value) => `${value} %` },
    hover: points.map(({ x, y, frame }) => ({
      x,
      title: `frame ${frame}`,
      lines: [{ key: "loss-equiv", name: "spread", text: formatLoss(y) }],
    })),
    plotHeight: 230,
  };
  const drawn =
    sample.length < structures
      ? ` ${formatCount(sample.length)} of ${formatCount(structures)} structures, drawn at random; the worst is of all.`
      : "";
  const far = near ? "" : ` The floor, ${formatLoss(floor)}, is far below.`;
  return chartFigure(
    spec,
    "Root mean square distance of a structure's predictions from their mean over rotations, for each number." +
      drawn +
      far,
  );
}

/** Error and spread by the angle of the rotation. */
export function angleChart({ name, id, term }: ChartedTerm): string {
  const bins = term.byAngle.filter(({ copies }) => copies > 0);
  if (bins.length < 2) return "";
  const middle = ({ from, to }: { from: number; to: number }) => (from + to) / 2;
  const spec: ChartSpec = {
    id: `${id}-angle`,
    description: `Error and spread of ${name} by the angle of the rotation, on a logarithmic axis.`,
    yLabel: sizeLabel(term, name),
    series: [
      ...(term.labelled
        ? [
            {
              ...({ key: "loss-total", label: "error (rmse)", marker: "circle" } as const),
              points: bins.map((bin) => ({ x: middle(bin), y: bin.rmse })),
            },
          ]
        : []),
      {
        ...({ key: "loss-equiv", label: "spread", marker: "diamond" } as const),
        points: bins.map((bin) => ({ x: middle(bin), y: bin.spreadRms })),
      },
    ],
    xAxis: { name: "angle of the rotation, degrees", scale: "linear", tickLabel: String, ticks: ANGLES },
    xInclude: [0, 180],
    hover: bins.map((bin) => ({
      x: middle(bin),
      title: `${bin.from} to ${bin.to} degrees, ${formatCount(bin.copies)} predictions`,
      lines: [
        ...(term.labelled ? [{ key: "loss-total", name: "rmse", text: formatLoss(bin.rmse) }] : []),
        { key: "loss-equiv", name: "spread", text: formatLoss(bin.spreadRms) },
      ],
    })),
    plotHeight: 200,
  };
  return chartFigure(
    spec,
    "A model that has learned poses near those of its training spreads more at large angles; a bug mostly at any.",
  );
}

/** What the squared spread is made of, by irreducible representation and by parity. */
export function partsPlot({ name, term: { byDegree, byParity, spreadRms } }: ChartedTerm): string {
  const parts = [...(byDegree.length > 1 ? byDegree : []), ...(byParity ?? [])];
  const all = spreadRms ** 2;
  if (parts.length === 0 || !(all > 0)) return "";
  const rows = parts.map((part): DotRow => ({
    label: partName(part),
    values: [[{ value: part.percent, error: (100 * part.lossStdErr) / all }]],
  }));
  const errors = parts.map(({ lossStdErr }) => (100 * (lossStdErr || 0)) / all);
  const most = Math.max(100, ...parts.map(({ percent }, i) => percent + errors[i]!));
  // Estimates without bias may lie below zero.
  const least = Math.min(0, ...parts.map(({ percent }, i) => (percent < -0.5 ? percent - errors[i]! : 0)));
  const plot = dotPlot({
    description: `Parts of the spread of ${name} by how they turn, in percent of its square.`,
    panels: [
      {
        name: "% of the squared spread",
        width: 1,
        series: [{ key: "loss-equiv", label: "part, ± 1 standard error", marker: "diamond" }],
        range: [Math.max(-100, least), 1.03 * Math.min(200, most)],
        format: (value) => `${formatPercent(value)} %`,
        tickLabel: (value) => `${value} %`.replace("-", "−"),
      },
    ],
    rows,
  });
  const caption =
    "The squared spread by how predictions turn: degree 1 as a vector or an axis does, 2 as a quadrupole, and so on; " +
    "letters are irreducible representations of a finite group. The remainder is of degrees that these rotations do " +
    "not tell apart. Parity is what reflections change beside rotations.";
  return `<figure>${plot}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

/** Numbers are degrees. */
export function partName({ name }: LossPart): string {
  return /^\d+$/.test(name) ? `degree ${name}` : name;
}

/** Predictions for edges near an axis against those for edges along it. */
export function nearChart({ name, id, term }: ChartedTerm): string {
  const axes = term.nearAxes.filter(({ away }) => away.some(({ rms }) => rms > 0));
  if (axes.length === 0) return "";
  const looks = [
    { key: "loss-total", marker: "circle" },
    { key: "loss-mean", marker: "square" },
    { key: "loss-equiv", marker: "diamond" },
  ] as const;
  const spec: ChartSpec = {
    id: `${id}-near`,
    description: `How ${name} changes as an edge is turned away from an axis, on logarithmic axes.`,
    yLabel: sizeLabel(term, "change"),
    series: axes.map(({ axis, away }, i) => ({
      ...looks[i % looks.length]!,
      label: `from ${axis}`,
      points: away.map(({ angle, rms }) => ({ x: angle, y: rms })),
    })),
    xAxis: { name: "angle between the edge and the axis, radians", scale: "log", tickLabel: powerLabel },
    plotHeight: 170,
  };
  return chartFigure(
    spec,
    "What is smooth rises with the angle, tenfold from mark to mark; a jump is flat. Curves of the three axes may " +
      "lie on one another.",
  );
}

/** A chart and what is to be said of it; nothing where nothing can be drawn. */
export function chartFigure(spec: ChartSpec, caption: string): string {
  if (!hasDrawable(spec)) return "";
  return `<figure>${renderChart(spec)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
