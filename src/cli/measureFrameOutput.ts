import { squaredError } from "../equivariance/losses.ts";
import { takenAway } from "../frames/frameGains.ts";
import type { LossPart } from "../frames/degreeTally.ts";
import type { FrameMeasurement } from "../frames/frameMeasurement.ts";
import type { FrameTermResult } from "../frames/termResult.ts";
import { countOf, formatLoss, formatPercent, formatPercentError } from "../report/format.ts";
import { zeroRemarks } from "../report/measureRemarks.ts";
import { lossLines, remarkLines } from "./measureOutput.ts";

type Terms = FrameMeasurement["terms"];
type Named = [name: string, term: FrameTermResult];

const ADVICE = "Are predictions and labels in one unit, of one kind, and with one zero of energy?";

/** What the numbers of terms say against them. Energies by atom say it of energies. */
export function termRemarks(terms: Terms): string[] {
  return Object.entries(terms).flatMap(([name, { lossTotal, lossZero, labelled }]) =>
    labelled && name !== "energyPerAtom"
      ? zeroRemarks(lossTotal, lossZero, ADVICE, [`lossTotal of ${name}`, "lossZero"])
      : [],
  );
}

/** What was measured, and what was said of it. */
interface FrameContext {
  readonly lines: readonly string[];
  readonly frames: string;
  readonly data: string;
  readonly interrupted: boolean;
  /** Of Huber's loss. */
  readonly delta: number | undefined;
}

/** What a person reads. */
export function frameLines(
  found: FrameMeasurement,
  { lines, frames, data, interrupted, delta }: FrameContext,
): string[] {
  const terms = Object.entries(found.terms);
  const { structures, copies } = found;
  return [
    ...(interrupted ? [`interrupted after ${countOf(structures, "structure")}:`, ""] : []),
    `${countOf(structures, "structure")} of ${data}, ${countOf(copies, "prediction")} of ${frames}, ` +
      rotationsOf(found),
    "",
    ...lossLines(found, { delta, estimated: !found.exact }),
    ...lines,
    "",
    ...remarkLines(found.remarks),
    ...shareLines(terms.filter(([, { labelled }]) => labelled)),
    ...sizeLines(terms),
    ...worstLines(terms),
    ...partLines(terms, found.loss),
    ...angleLines(terms),
    ...gainLines(terms.filter(([, { percentEquiv, gains }]) => Number.isFinite(percentEquiv) && gains.length > 0)),
    ...afterLines(found),
  ];
}

/** What follows the tables, from them. */
function afterLines({ terms }: FrameMeasurement): string[] {
  const unlabelled = Object.entries(terms).filter(([, { labelled }]) => !labelled);
  if (unlabelled.length === 0) return [];
  const names = unlabelled.map(([name]) => name).join(", ");
  return ["", `Without labels of ${names} the share of the loss that is lost symmetry is not known.`];
}

/** What rotations are drawn from. */
export function rotationsOf({ group, exact }: Pick<FrameMeasurement, "group" | "exact">): string {
  if (group === null) return "rotations of several groups";
  if (group.startsWith("quadrature-")) return `${group}, a fixed rule: nothing is drawn`;
  if (exact) return `all elements of ${group}: exact`;
  return group === "independent" ? "independent draws" : `drawn from ${group}`;
}

/** Losses, each in the square of its term's unit or, of absolute errors, in the unit. */
function shareLines(terms: readonly Named[]): string[] {
  if (terms.length === 0) return [];
  const rows = terms.map(([name, term]) => [
    name,
    ...[term.lossTotal, term.lossMean, term.lossEquiv].map(formatLoss),
    `${formatPercentError(term.percentEquiv, term.percentEquivStdErr)} %`,
    intervalText(term),
  ]);
  return [...table([["", "lossTotal", "lossMean", "lossEquiv", "percentEquiv", "95 %"], ...rows]), ""];
}

function intervalText({ percentEquivInterval }: FrameTermResult): string {
  return percentEquivInterval === null ? "" : `${percentEquivInterval.map(formatPercent).join(" to ")} %`;
}

/** In the terms' own units. */
function sizeLines(terms: readonly Named[]): string[] {
  const rows = terms.map(([name, term]) => [
    name,
    ...[term.rmse, term.rmseMean, term.spreadRms, term.spreadMax, term.signalRms].map(formatLoss),
    term.unit ?? "",
  ]);
  return table([["", "rmse", "rmseMean", "spreadRms", "spreadMax", "signalRms", "unit"], ...rows]);
}

function worstLines(terms: readonly Named[]): string[] {
  const lines = terms.flatMap(([name, { worst }]) => {
    if (worst === null) return [];
    const { frame, atom, copy, angle } = worst;
    const where = atom === null ? `frame ${frame}` : `frame ${frame}, atom ${atom}`;
    return [`  ${name}: ${where}, copy ${copy}, turned by ${angle.toFixed(1)} degrees`];
  });
  return lines.length === 0 ? [] : ["", "Farthest from the mean over rotations:", ...lines];
}

/** What lossEquiv is made of, that of the squared error. */
function partLines(terms: readonly Named[], loss: string): string[] {
  const what = loss === squaredError.name ? "lossEquiv" : "the squared spread";
  const rows = terms.flatMap(([name, { byDegree, byParity }]) => [
    ...(byDegree.length > 1 ? [[name, partsText(byDegree)] as const] : []),
    ...(byParity ? [[name, partsText(byParity)] as const] : []),
  ]);
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([name]) => name.length));
  const head = `Of ${what} in percent, by degree or by how it turns, and by parity:`;
  return ["", head, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
}

function partsText(parts: readonly LossPart[]): string {
  return parts.map(({ name, percent }) => `${name} ${formatPercent(percent)}`).join(", ");
}

/** Of the forces, or of the first term. */
function angleLines(terms: readonly Named[]): string[] {
  const [name, term] = terms.find(([one]) => one === "forces") ?? terms[0]!;
  const rows = term.byAngle
    .filter(({ copies }) => copies > 0)
    .map(({ from, to, copies, rmse, spreadRms }) => [
      `${from} to ${to}`,
      String(copies),
      ...[rmse, spreadRms].map(formatLoss),
    ]);
  return [
    "",
    `By the angle of the rotation, in degrees, of ${name}:`,
    ...table([["", "copies", "rmse", "spreadRms"], ...rows]),
  ];
}

function gainLines(terms: readonly Named[]): string[] {
  if (terms.length === 0) return [];
  const shortest = Math.min(...terms.map(([, { gains }]) => gains.length));
  const counts = terms[0]![1].gains.slice(0, shortest).map(({ count }) => `K = ${count}`);
  const measured = terms[0]![1].gains.some(({ percentGain }) => Number.isFinite(percentGain));
  const rows = terms.map(([name, { gains }]) => [
    name,
    ...gains.slice(0, shortest).map((gain) => `${formatPercent(takenAway(gain))} %`),
  ]);
  const head = measured
    ? "Loss that averages of K predictions took away, at K times the cost:"
    : "Loss that averaging K predictions is expected to take away, at K times the cost:";
  return ["", head, ...table([["", ...counts], ...rows])];
}

/** The first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]! + 2))).join("")}`.trimEnd(),
  );
}
