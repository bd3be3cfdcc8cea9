import type { GeometrySummary } from "../proteins/geometrySummary.ts";
import { columns } from "../report/columns.ts";
import { formatCount } from "../report/format.ts";

/** Chains to compare: what they are called, and their geometry. */
export interface ComparedGeometry {
  readonly name: string;
  readonly summary: GeometrySummary;
}

/** Rows of what chains look like, a column each; the first is of names. */
export function geometryRows(compared: readonly ComparedGeometry[]): string[][] {
  const row = (name: string, of: (summary: GeometrySummary) => string) => [
    name,
    ...compared.map(({ summary }) => of(summary)),
  ];
  const ofNeighbours = (key: "trans" | "cis" | "breaks") => (summary: GeometrySummary) =>
    percent(summary[key] / summary.neighbours);
  const ofResidues = (key: keyof GeometrySummary["counts"]) => (summary: GeometrySummary) =>
    percent(summary.counts[key] / summary.residues);
  return [
    ["", ...compared.map(({ name }) => name)],
    row("chains", ({ chains }) => formatCount(chains)),
    row("residues", ({ residues }) => formatCount(residues)),
    row("distance of neighbours, A", ({ meanNeighbour }) => meanNeighbour.toFixed(2)),
    row("  3.7 to 3.9 A", ofNeighbours("trans")),
    row("  2.8 to 3.1 A, as if cis", ofNeighbours("cis")),
    row("  above 4 A, a break", ofNeighbours("breaks")),
    row("clashes of 100 residues", ({ clashes, residues }) => ((100 * clashes) / residues).toFixed(1)),
    row("radius of gyration / a folded one's", radius),
    row("helix", ofResidues("H")),
    row("strand", ofResidues("E")),
    row("helix of the wrong hand", ofResidues("M")),
  ];
}

/** The same as lines. */
export function geometryLines(compared: readonly ComparedGeometry[]): string[] {
  return columns(geometryRows(compared), (column) => column === 0);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function radius({ radiusRatio, radiusRatioDeviation }: GeometrySummary): string {
  const text = radiusRatio.toFixed(2);
  return Number.isFinite(radiusRatioDeviation) ? `${text} ± ${radiusRatioDeviation.toFixed(2)}` : text;
}

/** "64", "64 and 100", "20 to 256": residues of chains. */
export function lengthsText(lengths: readonly number[]): string {
  const different = [...new Set(lengths)].sort((a, b) => a - b);
  if (different.length <= 2) return different.join(" and ");
  return `${different[0]} to ${different.at(-1)}`;
}
