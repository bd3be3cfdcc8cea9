import { existsSync } from "node:fs";
import { bench, installPeers, parsePeers, selectCases } from "../../bench/main.ts";
import { peerNames } from "../../bench/protocol.ts";
import { contextLines, resultTable } from "../../bench/table.ts";
import { VoxtwirlError } from "../errors.ts";
import { type ArgsSpec, readArgs } from "./args.ts";
import { compare, spec as compareSpec } from "./benchCompare.ts";
import { condense, spec as condenseSpec } from "./benchCondense.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { precisionOf, precisionOption } from "./precision.ts";
import { showProgress } from "./progress.ts";

export const spec: ArgsSpec = {
  positionals: ["[SUITE...]"],
  options: {
    filter: { value: "TEXT", help: "only cases with this text in their name" },
    precision: precisionOption("f32"),
    adapter: adapterOption,
    "no-tuning": noTuningOption,
    json: { value: "FILE", help: "write the record to this file, in the shape of Google Benchmark's JSON" },
    force: { help: "replace an earlier record in --json" },
    against: { value: "LIST", help: `compare with other engines, a list of these or all: ${peerNames.join(",")}` },
    "install-peers": { help: "only install those engines (npm ci of bench/peers/package.json)" },
    quick: { help: "few samples for each case: a look, not a measurement" },
    list: { help: "only print the names of the cases" },
  },
};

export const subcommands = {
  compare: { summary: "say what changed from one record to another beyond the noise", spec: compareSpec },
  condense: { summary: "make a record small enough to keep: aggregates in place of samples", spec: condenseSpec },
};

const EFFORT = { budgetMs: 3000, maxSamples: 100 };
const QUICK = { budgetMs: 300, maxSamples: 6 };

/** `voxtwirl bench`: exit code 0 when all results of ours are right, 1 when one is not or is missing, 130 after ^C. */
export async function run(args: string[]): Promise<number> {
  if (args[0] === "compare") return compare(args.slice(1));
  if (args[0] === "condense") {
    await condense(args.slice(1));
    return 0;
  }
  const options = readArgs("bench", spec, args);
  if (options.flag("install-peers")) {
    installPeers();
    return 0;
  }
  const against = options.text("against");
  const peers = against === undefined ? [] : parsePeers(against);
  const precision = precisionOf(options);
  if (precision === "f16" && peers.length > 0) {
    const message = "--against does not go with --precision f16: other engines compute in f32.";
    throw new VoxtwirlError("bad-option", message, "Leave one of them out.");
  }
  const cases = selectCases(options.positionals, options.text("filter"), precision);
  if (options.flag("list")) {
    process.stdout.write(`${cases.map(({ name, shape }) => `${name}  ${shape}`).join("\n")}\n`);
    return 0;
  }
  const json = options.text("json");
  if (json !== undefined && existsSync(json) && !options.flag("force")) {
    throw new VoxtwirlError("exists", `${json} exists already`, "Choose another name, or add --force to replace it.");
  }
  const adapter = options.text("adapter") ?? process.env.VOXTWIRL_ADAPTER;
  const gpu = await openCliGpu(adapter, !options.flag("no-tuning"));
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
      effort: options.flag("quick") ? QUICK : EFFORT,
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
