import type { OptionSpec } from "./args.ts";

/** What `--data` takes. */
export const dataHelp =
  "molecules: XYZ (extended too), SDF or MOL, .gz or not; a file, a folder of files or /dev/stdin";

export const strictOption: OptionSpec = {
  help: "refuse --data with a record that cannot be used, instead of leaving it out",
};
