/** Which of an extended XYZ file's values and columns are energies and forces. */
import { parseNumber } from "./lines.ts";
import { commentValues } from "./xyzComment.ts";

/** Names in lower case, the first first; behind them come all others that end in energy, as they stand in the file. */
const energies = ["energy", "ref_energy", "dft_energy", "potential_energy", "free_energy", "total_energy"];
/** The same for forces: those that end in forces or force. */
const forces = ["forces", "force", "ref_forces", "ref_force", "dft_forces", "dft_force"];
/** Parts of a whole, and what does not come from where the atoms are. */
const others = /kinetic|zero_?point|dispersion|repulsion/;

const unitKeys = ["units", "unit", "energy_units", "energy_unit"];

/** What an extended XYZ file's comment says of a molecule. */
export interface CommentLabels {
  /** NaN where it is no number. */
  readonly energy?: number;
  /** What the comment names as units. */
  readonly units?: string;
  /** By `pbc`, and where there is none by a `Lattice`, as ASE takes it. */
  readonly periodic?: true;
}

export function commentLabels(comment: string): CommentLabels {
  // Most comments are names.
  if (!comment.includes("=")) return {};
  const values = commentValues(comment);
  const lower = new Map([...values].reverse().map(([key, value]) => [key.toLowerCase(), value]));
  const key = preferred([...values.keys()], energies, /energy$/);
  const energy = key === undefined ? undefined : parseNumber(lower.get(key) ?? "");
  const unit = unitKeys.find((name) => lower.has(name));
  const periodic = /\b(t|true|1)\b/i.test(lower.get("pbc") ?? (lower.has("lattice") ? "T" : ""));
  return {
    ...(energy === undefined ? {} : { energy }),
    ...(unit === undefined ? {} : { units: lower.get(unit)! }),
    ...(periodic && { periodic }),
  };
}

/** The name of the column that holds forces, in lower case; undefined where none does. */
export function forcesColumn(names: readonly string[]): string | undefined {
  return preferred(names, forces, /forces?$/);
}

function preferred(given: readonly string[], first: readonly string[], pattern: RegExp): string | undefined {
  const names = given.map((name) => name.toLowerCase());
  return first.find((name) => names.includes(name)) ?? names.find((name) => pattern.test(name) && !others.test(name));
}
