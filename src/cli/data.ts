import { Option } from "@commander-js/extra-typings";
import type { LabelUnits } from "../formats/labels.ts";
import { choice } from "./args.ts";

/** What `--data` takes. */
export const dataHelp =
  "molecules as XYZ (extended too), SDF, MOL or .npz, proteins as PDB or mmCIF, .gz or not; a file, a folder of " +
  "files or /dev/stdin";

export const strictOption = () =>
  new Option("--strict", "stop at a record of --data that cannot be used, instead of leaving it out");

const UNITS = ["eV", "kcal/mol", "Hartree", "kJ/mol"] as const satisfies readonly LabelUnits[];

export const labelUnitsOption = () =>
  choice(
    "--label-units <UNIT>",
    `unit of energies in --data, of forces per Angstrom: ${UNITS.join(", ")} (default: the file's)`,
    UNITS,
  );
