import type { Command } from "@commander-js/extra-typings";
import { existsSync } from "node:fs";
import { bench, installPeers, parsePeers, selectCases } from "../../bench/main.ts";
import { peerNames } from "../../bench/protocol.ts";
import { contextLines, resultTable } from "../../bench/table.ts";
import { VoxtwirlError } from "../errors.ts";
import { exits, text } from "./args.ts";
import { compareCommand } from "./benchCompare.ts";
import { condenseCommand } from "./benchCondense.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { precisionOption } from "./precision.ts";
import { showProgress } from "./progress.ts";

const benchOptions = (command: Command) =>
  command
    .argument("[SUITE...]")
    .addOption(text("--filter <TEXT>", "only cases with this text in their name"))
    .addOption(precisionOption("f32"))
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .addOption(text("--json <FILE>", "write the record to this file, in the shape of Google Benchmark's JSON"))
    .option("--force", "replace an earlier record in --json")
    .addOption(text("--against <LIST>", `compare with other engines, a list of these or all: ${peerNames.join(",")}`))
    .option("--install-peers", "only install those engines (npm ci of bench/peers/package.json)")
    .option("--quick", "few samples for each case: a look, not a measurement")
    .option("--list", "only print the names of the cases");

type Options = ReturnType<ReturnType<typeof benchOptions>["opts"]>;

/** `voxtwirl bench`: exit code 0 when all results of ours are right, 1 when one is not or is missing, 130 after ^C. */
export const define = (command: Command) => {
  benchOptions(command).action(exits(run)).addCommand(compareCommand()).addCommand(condenseCommand());
};

const EFFORT = { budgetMs: 3000, maxSamples: 100 };
const QUICK = { budgetMs: 300, maxSamples: 6 };

async function run(suites: readonly string[], options: Options): Promise<number> {
  if (options.installPeers) {
    installPeers();
    return 0;
  }
  const against = options.against;
  const peers = against === undefined ? [] : parsePeers(against);
  const { precision } = options;
  if (precision === "f16" && peers.length > 0) {
    const message = "--against does not go with --precision f16: other engines compute in f32.";
    throw new VoxtwirlError("bad-option", message, "Leave one of them out.");
  }
  const cases = selectCases(suites, options.filter, precision);
  if (options.list) {
    process.stdout.write(`${cases.map(({ name, shape }) => `${name}  ${shape}`).join("\n")}\n`);
    return 0;
  }
  const json = options.json;
  if (json !== undefined && existsSync(json) && !options.force) {
    throw new VoxtwirlError("exists", `${json} exists already`, "Choose another name, or add --force to replace it.");
  }
  const adapter = options.adapter ?? process.env.VOXTWIRL_ADAPTER;
  const gpu = await openCliGpu(adapter, options.tuning);
  const progress = showProgress();
  const interruption = interruptible({ after: "the case in hand", warn: (text) => progress.warn(text) });
  interruption.begin();
  try {
    const record = await bench({
      gpu,
      cases,
      against: peers,
      json,
      signal: interruption.signal,
      ...(adapter && !["auto", "hardware", "software"].includes(adapter) && { adapter }),
      effort: options.quick ? QUICK : EFFORT,
      onProgress: (text) => progress.show(text),
    });
    progress.clear();
    const lines = [...contextLines(record.context), "", ...resultTable(record.results, record.refusals)];
    process.stdout.write(`${lines.join("\n")}\n`);
    if (interruption.signal.aborted) {
      const kept = json === undefined ? "" : `, and is in ${json}`;
      process.stderr.write(`voxtwirl: stopped; what was measured before is above${kept}\n`);
      return interruption.code;
    }
    const wrong = record.results.some(({ engine, right }) => engine === "voxtwirl" && right === false);
    return wrong || record.refusals.some(({ engine }) => engine === "voxtwirl") ? 1 : 0;
  } finally {
    progress.clear();
    interruption.end();
    gpu.destroy();
  }
}
