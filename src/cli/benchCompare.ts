// `voxtwirl bench compare A.json B.json`: what changed from one record to another beyond the noise.
import { readBenchmarkFile } from "../../bench/benchmarkFile.ts";
import { comparisonLines } from "../../bench/compare.ts";
import { compareRecords } from "../../bench/comparison.ts";
import { VoxtwirlError } from "../errors.ts";
import { type ArgsSpec, readArgs } from "./args.ts";

export const spec: ArgsSpec = {
  positionals: ["A.json", "B.json"],
  options: {
    time: { value: "WHICH", help: "compare gpu times (default, if both records have them) or wall times" },
    threshold: { value: "PERCENT", help: "how much slower --fail-on-regression still accepts (default 5)" },
    "fail-on-regression": { help: "exit with 1 if something got slower beyond the noise and the threshold" },
    json: { help: "print one JSON object instead of text" },
  },
};

/**
 * Prints what changed from A to B.
 *
 * @returns the exit code: 0, or 1 with --fail-on-regression and a regression
 * @throws VoxtwirlError "bad-option", or "io" and "bad-file" for a file that is no record
 */
export function compare(args: string[]): number {
  const options = readArgs("bench compare", spec, args);
  const [first, second] = options.positionals;
  if (first === undefined || second === undefined) {
    throw new VoxtwirlError("bad-option", "bench compare needs two records.", "voxtwirl bench compare A.json B.json");
  }
  const time = options.choice("time", ["gpu", "wall"]) ?? "gpu";
  const threshold = options.number("threshold", { min: 0 }) ?? 5;
  const comparison = compareRecords(readBenchmarkFile(first), readBenchmarkFile(second), { time, threshold });
  const text = options.flag("json")
    ? JSON.stringify(comparison)
    : comparisonLines(first, second, comparison).join("\n");
  process.stdout.write(`${text}\n`);
  return options.flag("fail-on-regression") && comparison.regressions.length > 0 ? 1 : 0;
}
