import { Option } from "@commander-js/extra-typings";

/** What `--data` takes. */
export const dataHelp =
  "molecules as XYZ (extended too), SDF, MOL or .npz, .gz or not; a file, a folder of files or /dev/stdin";

export const strictOption = () =>
  new Option("--strict", "stop at a record of --data that cannot be used, instead of leaving it out");
