import type { OptionSpec } from "./args.ts";

/** What `--data` takes. */
export const dataHelp =
  "molecules as XYZ (extended too), SDF or MOL, .gz or not; a file, a folder of files or /dev/stdin";

export const strictOption: OptionSpec = {
  help: "stop at a record of --data that cannot be used, instead of leaving it out",
};
