import { requireNumbers, requirePositive } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";

/**
 * Of each pair of atoms the nearest image alone can be a neighbour: whoever knows the cells asks here whether that is
 * all there are within the cutoff.
 *
 * @param cell rows a, b, c in Angstrom, of one cell or of several, one after the other; zeros where nothing repeats
 * @throws VoxtwirlError "bad-option" where a perpendicular width is below twice the cutoff, and for a flat cell
 */
export function requireMinimumImage(cell: ArrayLike<number>, cutoff: number): void {
  requireNumbers("cell", cell);
  requirePositive("cutoff", cutoff);
  if (cell.length % 9 !== 0) {
    const message = `a cell has ${cell.length} numbers`;
    throw new VoxtwirlError("bad-option", message, "Give 9 for each: the rows a, b and c.");
  }
  for (let at = 0; at < cell.length; at += 9) {
    const rows = [0, 3, 6].map((row) => [0, 1, 2].map((k) => cell[at + row + k]!)) as unknown as Rows;
    if (rows.flat().every((x) => x === 0)) continue;
    const widths = perpendicularWidths(rows);
    if (widths.every((width) => width >= 2 * cutoff)) continue;
    const shown = widths.map((width) => Number(width.toPrecision(6))).join(", ");
    const which = cell.length > 9 ? `cell ${at / 9}` : "the cell";
    const message = `${which} is ${shown} Angstrom wide across its faces: less than twice the cutoff, ${2 * cutoff}`;
    const least = Math.min(...widths);
    const smaller = least > 0 ? `, or a cutoff of at most ${Math.floor(500 * least) / 1000}` : "";
    throw new VoxtwirlError("bad-option", message, `Repeat the cell along its short axes${smaller}.`);
  }
}

type Vector = readonly [number, number, number];
type Rows = readonly [Vector, Vector, Vector];

/** Distances between opposite faces; 0 of a flat cell. */
function perpendicularWidths(rows: Rows): number[] {
  const faces = [0, 1, 2].map((i) => cross(rows[(i + 1) % 3]!, rows[(i + 2) % 3]!));
  const volume = Math.abs(rows[0].reduce((sum, x, k) => sum + x * faces[0]![k]!, 0));
  return faces.map((face) => (volume > 0 ? volume / Math.hypot(...face) : 0));
}

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
