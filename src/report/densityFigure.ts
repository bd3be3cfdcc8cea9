import type { Curvature } from "../analysis/curvature.ts";
import type { SpectralDensity } from "../analysis/density.ts";
import type { Term } from "../analysis/lossTerms.ts";
import { renderChart } from "./chart.ts";
import { escapeHtml } from "./html.ts";
import { termSeries } from "./termSeries.ts";
import { isFiniteNumber } from "./types.ts";

/** Below this part of the peak a density is no more than the foot of a Gaussian. */
const FLOOR = 1e-7;

const CAPTION =
  "How the eigenvalues of each term are distributed: the area under the curve between two values is the share of all " +
  "directions whose curvature lies between them, so that a single steep direction is a small peak far to the right, " +
  "and what is left of 0, beyond the width of the smoothing, bends downwards. The tall peak at 0 is the mass of " +
  "directions that hardly change the loss. " +
  "Estimated from random vectors and smoothed; the band is one standard error over the vectors. Lone peaks are " +
  "rough: the table has the eigenvalues. The axes differ from term to term.";

/** Spectra of the terms that have one; nothing where none has. */
export function densityFigure(found: readonly (readonly [Term, Curvature])[]): string {
  const charts = found.flatMap(([term, { density }]) => (density ? [densityChart(term, density)] : []));
  if (charts.length === 0) return "";
  return `<figure>${charts.join("")}<figcaption>${escapeHtml(CAPTION)}</figcaption></figure>`;
}

function densityChart(term: Term, density: SpectralDensity): string {
  const { key, label } = termSeries(term);
  return renderChart({
    id: `density-${term}`,
    description: `The density of the eigenvalues of ${label}, on a logarithmic axis.`,
    yLabel: "density",
    xAxis: {
      name: `eigenvalue of ${label}`,
      scale: "linear",
      tickLabel: (value) => String(Number(value.toPrecision(3))),
    },
    // Markers at each of hundreds of points would hide the curve.
    series: [{ key, label, points: curve(density) }],
    bands: [{ key, label: "± 1 standard error", points: band(density) }],
    plotHeight: 150,
  });
}

const floorOf = ({ values }: SpectralDensity): number => FLOOR * Math.max(...values);

function curve(density: SpectralDensity) {
  const floor = floorOf(density);
  return density.axis.map((x, i) => ({ x, y: density.values[i]! > floor ? density.values[i]! : null }));
}

function band(density: SpectralDensity) {
  const floor = floorOf(density);
  return density.axis.map((x, i) => {
    const [value, error] = [density.values[i]!, density.stdErrs[i]];
    const known = value > floor && isFiniteNumber(error);
    return { x, low: known ? Math.max(value - error, floor) : null, high: known ? value + error : null };
  });
}
