// `voxtwirl bench compare A.json B.json`: what changed from one record to another beyond the noise.
import { readBenchmarkFile } from "../../bench/benchmarkFile.ts";
import { comparisonLines } from "../../bench/compare.ts";
import { compareRecords } from "../../bench/comparison.ts";
import { choice, command, number } from "./args.ts";
import { printJson } from "./json.ts";
import { print } from "./stdout.ts";

export const compareCommand = () =>
  command("bench", "compare")
    .description("say what changed from one record to another beyond the noise")
    .argument("<A.json>")
    .argument("<B.json>")
    .addOption(
      choice("--time <WHICH>", "compare gpu times (default, if both records have them) or wall times", ["gpu", "wall"]),
    )
    .addOption(
      number("--threshold <PERCENT>", "how much slower --fail-on-regression still accepts (default 5)", { min: 0 }),
    )
    .option("--fail-on-regression", "exit with 1 if something got slower beyond the noise and the threshold")
    .option("--json", "print one JSON object instead of text")
    .action((first, second, options) => {
      process.exitCode = compare(first, second, options);
    });

interface Options {
  readonly time?: "gpu" | "wall";
  readonly threshold?: number;
  readonly failOnRegression?: boolean;
  readonly json?: boolean;
}

/**
 * Prints what changed from A to B.
 *
 * @returns the exit code: 0, or 1 with --fail-on-regression and a regression
 * @throws VoxtwirlError "bad-option", or "io" and "bad-file" for a file that is no record
 */
function compare(first: string, second: string, options: Options): number {
  const { time = "gpu", threshold = 5 } = options;
  const comparison = compareRecords(readBenchmarkFile(first), readBenchmarkFile(second), { time, threshold });
  if (options.json) printJson(comparison);
  else print(comparisonLines(first, second, comparison));
  return options.failOnRegression && comparison.regressions.length > 0 ? 1 : 0;
}
