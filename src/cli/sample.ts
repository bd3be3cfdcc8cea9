import { existsSync } from "node:fs";
import { unlink } from "node:fs/promises";
import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { chainReadingLines } from "../formats/chainNotes.ts";
import { encodePdb } from "../formats/pdbWriter.ts";
import { readChainFile, type ChainFile } from "../node/chains.ts";
import { requireWritable, sha256File, writeFileAtomic } from "../node/files.ts";
import type { Chain } from "../proteins/chain.ts";
import { chainGeometry } from "../proteins/geometry.ts";
import { geometrySummary } from "../proteins/geometrySummary.ts";
import { formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import {
  BackboneSampler,
  FlowModel,
  insteadOfSampling,
  NOISY_STEPS,
  plannedSampling,
  type SamplingState,
} from "../tasks/list.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { badOption, exits, integer, number, text } from "./args.ts";
import { strictOption } from "./data.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { precisionOption } from "./precision.ts";
import { countProgress } from "./progress.ts";
import { geometryLines, lengthsText } from "./sampleOutput.ts";
import { samplePage } from "./samplePage.ts";
import { partPath, readPart, writePart, type SampleIdentity } from "./samplePart.ts";
import { print } from "./stdout.ts";

const COUNT = 8;
const BUILTIN = "builtin-backbones";

const sampleOptions = (command: Command) =>
  command
    .addOption(text("--model <RUN|FILE>", "the folder of a run of the task flow, or its model.safetensors"))
    .addOption(text("--out <FILE>", "the PDB file to write: C-alphas, a MODEL for each of several chains"))
    .addOption(integer("--count <N>", `chains (default ${COUNT})`))
    .addOption(
      text(
        "--length <N,N>",
        "residues of the chains, which take these in turn (default: the model's crop in training)",
      ),
    )
    .addOption(
      integer(
        "--steps <N>",
        `steps from noise to chain (default ${NOISY_STEPS}); with fewer and --eta above 0 chains may blow up`,
      ),
    )
    .addOption(
      number("--eta <X>", "noise of the steps (default 0.45); 0: none, an ODE, which takes fewer steps", { min: 0 }),
    )
    .addOption(integer("--seed <N>", "seed of all noise (default 0)", { min: 0 }))
    .addOption(integer("--batch <N>", "chains at once (default 8); a chain does not depend on it"))
    .addOption(
      text("--data <FILE>", `chains to compare with, as PDB or mmCIF, or a folder of them (default ${BUILTIN})`),
    )
    .addOption(strictOption())
    .addOption(text("--report <FILE>", "write a page with the chains drawn, and their geometry beside others'"))
    .addOption(precisionOption("as the model was trained"))
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .option("--json", "print one JSON object on stdout");

type SampleOptions = ReturnType<ReturnType<typeof sampleOptions>["opts"]>;

export const define = (command: Command) => sampleOptions(command).action(exits(run));

/** Makes chains with a flow-matching model. Exit code 130 after Ctrl-C, with what there is kept beside the result. */
async function run(options: SampleOptions): Promise<number> {
  const [name, out] = [required(options, "model"), required(options, "out")];
  const lengths = options.length === undefined ? undefined : lengthsOf(options.length);
  const { count = COUNT, steps, eta, seed, batch } = options;
  const given = { count, lengths, steps, eta, seed, batch };
  await requireNew(out, "out");
  if (options.report !== undefined) await requireNew(options.report, "report");
  const file = requireSampled(await readModelFile(name));
  const others = await readChainFile(options.data ?? BUILTIN, { strict: options.strict });
  const plan = plannedSampling(file, given);
  const part = partPath(out);
  const precision = options.precision ?? file.config.training.precision;
  const identity: SampleIdentity = { modelSha256: await sha256File(file.path), precision, ...plan };
  const state = await readPart(part, identity);
  if (plan.eta > 0 && plan.steps < NOISY_STEPS) {
    const remark = `${plan.steps} steps are few for --eta ${plan.eta}: the first ones may blow up; --eta 0 takes fewer`;
    process.stderr.write(`voxtwirl: ${remark}\n`);
  }
  const gpu = await openCliGpu(options.adapter, options.tuning);
  try {
    const model = await FlowModel.load(gpu, file, { precision });
    const sampler = new BackboneSampler(model, given, state);
    if (!options.json) print(headLines(file, identity));
    if (state) process.stderr.write(`voxtwirl: going on from ${part}: ${doneText(state, plan.lengths.length)}\n`);
    const { code, finished } = await runKept(sampler, part, identity);
    if (!finished) return code;
    const chains = sampler.chains();
    await writeFileAtomic(out, encodePdb(chains), () => requireNew(out, "out"));
    await tell(chains, { options, file, identity, others, out });
    await unlink(part).catch(() => {});
    return code;
  } finally {
    gpu.destroy();
  }
}

/** Samples until all is done or somebody stops it; what there is then is kept. */
async function runKept(sampler: BackboneSampler, part: string, identity: SampleIdentity) {
  const all = sampler.plan.lengths.length;
  let progress: ReturnType<typeof countProgress> | undefined;
  const clear = () => progress?.clear();
  const warn = (line: string) => {
    clear();
    process.stderr.write(`voxtwirl: ${line}\n`);
  };
  const interruption = interruptible({ after: "the steps in hand", warn });
  interruption.begin();
  try {
    await sampler.run({
      signal: interruption.signal,
      onProgress: (done, total) => (progress ??= countProgress("steps", total)).done(done),
      onBatch: async () => {
        if (sampler.state.done.size < all) await writePart(part, identity, sampler.state);
      },
    });
    return { code: interruption.outputLost ? interruption.code : 0, finished: true };
  } catch (error) {
    if (!(interruption.signal.aborted && error instanceof VoxtwirlError && error.code === "aborted")) throw error;
    await writePart(part, identity, sampler.state);
    warn(`stopped: ${doneText(sampler.state, all)}, kept in ${part}; the same command goes on`);
    return { code: interruption.code, finished: false };
  } finally {
    clear();
    interruption.end();
  }
}

function doneText({ done, hand }: SamplingState, all: number): string {
  const more = hand ? `, and ${formatCount(hand.step)} steps of ${formatCount(hand.numbers.length)} more` : "";
  return `${formatCount(done.size)} of ${formatCount(all)} chains${more}`;
}

interface Told {
  readonly options: SampleOptions;
  readonly file: ModelFile;
  readonly identity: SampleIdentity;
  readonly others: ChainFile;
  readonly out: string;
}

/** Prints the geometry beside that of others, and writes the page. */
async function tell(chains: readonly Chain[], { options, file, identity, others, out }: Told): Promise<void> {
  const data = options.data ?? BUILTIN;
  const compared = [
    { name: "sampled", summary: geometrySummary(chains) },
    { name: data === BUILTIN ? BUILTIN : "--data", summary: geometrySummary(others.chains) },
  ] as const;
  if (options.report !== undefined) {
    const page = samplePage({ chains, others: others.chains, compared, file, identity, data });
    await writeFileAtomic(options.report, page, () => requireNew(options.report!, "report"));
  }
  if (options.json) {
    const { lengths: _, modelSha256, ...plan } = identity;
    printJson({
      type: "sample",
      ...{ model: file.path, modelSha256, step: file.step, out, data, dataSha256: others.sha256, ...plan },
      sampled: compared[0].summary,
      compared: compared[1].summary,
      chains: chains.map(({ positions }) => ({ residues: positions.length / 3, ...chainGeometry(positions) })),
    });
    return;
  }
  const written = [out, ...(options.report === undefined ? [] : [options.report])];
  print([...geometryLines(compared), "", ...chainReadingLines(others), ...written.map((path) => `written: ${path}`)]);
}

function headLines(
  { path, config, step }: ModelFile,
  { lengths, steps, eta, seed, precision }: SampleIdentity,
): string[] {
  const chains = lengths.length === 1 ? "1 chain" : `${formatCount(lengths.length)} chains`;
  const half = precision === "f16" ? ", in f16" : "";
  return [
    `${path}, preset ${config.training.preset}, step ${formatCount(step)}${half}`,
    `${chains} of ${lengthsText(lengths)} residues, ${formatCount(steps)} steps, eta ${eta}, seed ${seed}`,
    "",
  ];
}

/** @throws VoxtwirlError "bad-config" for a model from which nothing is sampled */
function requireSampled(file: ModelFile): ModelFile {
  const { task } = file.config;
  const instead = insteadOfSampling(task);
  if (instead === undefined) return file;
  throw new VoxtwirlError("bad-config", `${file.path} is a model of ${task}, from which nothing is sampled`, instead);
}

/** @throws VoxtwirlError "exists" where something is there, "io" where the file cannot be written */
async function requireNew(path: string, option: string): Promise<void> {
  if (existsSync(path)) {
    throw new VoxtwirlError("exists", `${path} is there already`, `Choose another --${option}, or remove it.`);
  }
  await requireWritable(path);
}

function lengthsOf(list: string): number[] {
  return list.split(",").map((word) => {
    const length = /^\s*\d+\s*$/.test(word) ? Number(word) : NaN;
    if (Number.isSafeInteger(length) && length >= 2) return length;
    throw badOption(`--length ${list} is not a list of lengths`, "Give whole numbers of at least 2: --length 64,100.");
  });
}

function required(options: SampleOptions, name: "model" | "out"): string {
  const value = options[name];
  if (value !== undefined) return value;
  throw badOption(`--${name} is not given`, "Give --model and --out. See: voxtwirl help sample");
}
