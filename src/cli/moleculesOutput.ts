import type { Assessment, Distance, Share } from "../molecules/assess.ts";
import { columns } from "../report/columns.ts";
import { formatCount, formatLoss, formatPercentError, MISSING } from "../report/format.ts";

/** What was assessed, for the lines above the figures. */
export interface AssessedFile {
  readonly data: string;
  /** Molecules whose bonds were found by distance. */
  readonly perceived: number;
  readonly reference: string | undefined;
}

/** An assessment as tables. */
export function assessmentLines(found: Assessment, { data, perceived, reference }: AssessedFile): string[] {
  const { molecules, invalid, distances } = found;
  const counted = perceived === molecules ? "" : `${formatCount(perceived)} of `;
  const bonds =
    perceived === 0 ? "as the file has them" : `by distance, of ${counted}${formatCount(molecules)} molecules`;
  const reasons = Object.entries(invalid).sort(([, a], [, b]) => b - a);
  return [
    `${formatCount(molecules)} molecules of ${data}, bonds ${bonds}`,
    "",
    ...columns(
      [
        shareRow("valid", "molecules", found.valid),
        shareRow("connected", "molecules", found.connected),
        shareRow("unique", "valid", found.unique),
        ...(found.novel ? [shareRow("novel", "unique", found.novel)] : []),
        shareRow("stable atoms", "atoms", found.stableAtoms),
        shareRow("stable molecules", "molecules", found.stableMolecules),
      ],
      (column) => column === 0 || column === 2,
    ),
    ...(reasons.length > 0 ? ["", "invalid:"] : []),
    ...reasons.map(([reason, count]) => `  ${formatCount(count)} with ${reason}`),
    ...(distances ? ["", `distance from ${reference}, and of as many molecules of it from itself:`] : []),
    ...(distances
      ? columns(
          [
            distanceRow("atom types, total variation", distances.atomTypes),
            distanceRow("bond types, total variation", distances.bondTypes),
            distanceRow("valencies", distances.valencies),
            distanceRow("bond lengths, A", distances.bondLengths),
            distanceRow("bond angles, degrees", distances.bondAngles),
          ],
          (column) => column === 0,
        )
      : []),
  ];
}

function shareRow(name: string, what: string, { count, of, share, shareStdErr }: Share): string[] {
  const counted = `${formatCount(count)} of ${formatCount(of)} ${what}`;
  return [name, `${formatPercentError(100 * share, 100 * shareStdErr)} %`, counted];
}

function distanceRow(name: string, { value, valueStdErr, floor }: Distance): string[] {
  const error = Number.isFinite(valueStdErr) ? valueStdErr.toPrecision(1) : MISSING;
  return [`  ${name}`, formatLoss(value), "±", error, `(${formatLoss(floor)})`];
}
