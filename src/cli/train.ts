import { constants } from "node:os";
import { join, resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { PreparedDataset } from "../molecules/dataset.ts";
import { formula } from "../molecules/molecule.ts";
import { readingLines } from "../molecules/records.ts";
import { isLasting, readMoleculeFile, type MoleculeFile } from "../node/molecules.ts";
import { checkDivision, prepareRunData } from "../node/runData.ts";
import { RunFolder, RUN_FILES } from "../node/runFolder.ts";
import { trainingRun } from "../node/trainingRun.ts";
import { parseRunConfig, RUN_CONFIG_FORMAT, type RunConfig } from "../training/config.ts";
import { checkTrainConfig, presets, slowPresets, type TrainConfig } from "../training/presets.ts";
import { readArgs, type Args, type ArgsSpec } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { precisionOf, precisionOption } from "./precision.ts";
import { onStdoutFailure } from "./stdout.ts";
import { TrainOutput } from "./trainOutput.ts";

declare const VOXTWIRL_VERSION: string;

export const spec: ArgsSpec = {
  options: {
    preset: { value: "NAME", help: `${Object.keys(presets).join(", ")} (default tiny)` },
    data: { value: "FILE", help: `${dataHelp} (default: the built-in set)` },
    strict: strictOption,
    steps: { value: "N", help: "updates in all, also with --resume" },
    batch: { value: "N", help: "samples an update" },
    "micro-batch": { value: "N", help: "samples at a time, a divisor of the batch (default: the largest that fits)" },
    lr: { value: "X", help: "learning rate" },
    augment: { value: "KIND", help: "so3 (default), octahedral or none: random rotations of the training molecules" },
    pose: { value: "KIND", help: "as-is (default) or principal: turn molecules into their principal axes first" },
    twirl: { value: "N", help: "rotations a held-out molecule: 24 (default) enumerates, 2 to 23 are drawn" },
    every: { value: "K", help: "evaluate and save every K updates" },
    heldout: { value: "N", help: "held-out molecules" },
    grid: { value: "N", help: "voxels along an edge" },
    resolution: { value: "X", help: "edge of a voxel in Angstrom; noise that is as hard to remove goes with its power -1.5 (--sigma)" },
    sigma: { value: "X", help: "standard deviation of the noise" },
    seed: { value: "N", help: "seed of weights, split, poses and noise (default 1)" },
    precision: precisionOption("f32"),
    out: { value: "DIR", help: "the run's folder (default runs/PRESET-N)" },
    force: { help: "replace an earlier run in --out" },
    resume: { value: "DIR", help: "continue the run in this folder" },
    adapter: adapterOption,
    "no-tuning": noTuningOption,
    json: { help: "print the rows of metrics.jsonl on stdout, nothing else" },
    quiet: { help: "no live line and no table" },
  },
};

/** The name of the built-in set, for `readMoleculeFile` too. */
const BUILTIN = "builtin";

/** What a resumed run may change: the rest follows from its config.json. */
const RESUMABLE = new Set(["resume", "steps", "data", "strict", "precision", "adapter", "no-tuning", "json", "quiet"]);

/** What stops a run, saved: Ctrl-C, a service's end, a closed terminal. */
const STOPPING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Trains a voxel denoiser; see `spec`. Exit code 130 after Ctrl-C and 141 when stdout closes, all saved. */
export async function run(argv: string[]): Promise<number> {
  const args = readArgs("train", spec, argv);
  const resumed = args.text("resume");
  if (resumed !== undefined) checkResumeArgs(args);
  // Options are checked against the preset before anything is opened; the adapter may still shorten the run.
  const asked = resumed === undefined ? configFromArgs(args, presetOf(args, presets)) : undefined;
  const before = resumed === undefined ? undefined : await openRun(resumed, args);

  const gpu = await openCliGpu(args.text("adapter"), !args.flag("no-tuning"));
  try {
    const training = before?.config.training ?? (isSlow(gpu) ? configFromArgs(args, presetOf(args, slowPresets)) : asked!);
    const source = args.text("data") ?? (before ? await storedSource(before.config) : BUILTIN);
    const file = await readMoleculeFile(source, { strict: args.flag("strict") });
    const { molecules, sha256 } = file;
    if (before && before.config.data.sha256 !== sha256) {
      throw new VoxtwirlError("bad-file", `${source} is not the data this run began with`, "Give that file with --data.");
    }
    const data = await prepareRunData(molecules, training);
    if (before) checkDivision(data, before.config);
    const config = before?.config ?? runConfig(training, data, { sha256, source }, gpu);
    return await train({ args, gpu, folder: before?.folder, config, data, file });
  } finally {
    gpu.destroy();
  }
}

interface Started {
  readonly args: Args;
  readonly gpu: Gpu;
  /** That of the run to resume. */
  readonly folder: RunFolder | undefined;
  readonly config: RunConfig;
  readonly data: PreparedDataset;
  readonly file: MoleculeFile;
}

/** Where a run's data came from, to be read again. */
async function storedSource({ data: { source } }: RunConfig): Promise<string> {
  if (await isLasting(source)) return source;
  const message = `the run's data came through ${source}, which cannot be read a second time`;
  throw new VoxtwirlError("bad-option", message, "Give the same data with --data.");
}

async function train({ args, gpu, folder, config, data, file }: Started): Promise<number> {
  const { molecules } = file;
  const notes = [...readingLines(file), ...skippedNotes(data, molecules.length)];
  const output = new TrainOutput({ json: args.flag("json"), quiet: args.flag("quiet"), steps: config.training.steps });
  for (const note of notes) output.warn(note);
  const files: string[] = [];
  const controller = new AbortController();
  let code = 0;
  let outputLost = false;
  const stop = (why: number, remark: string) => {
    if (controller.signal.aborted) return;
    code = why;
    controller.abort();
    output.warn(remark);
  };
  const interrupt = (signal: NodeJS.Signals) => {
    const why = 128 + constants.signals[signal];
    // A closing terminal may send more than one SIGHUP; nobody asked twice.
    if (controller.signal.aborted && signal !== "SIGHUP") process.exit(why);
    stop(why, "stopping after the steps in flight; once more to stop at once");
  };
  for (const signal of STOPPING) process.on(signal, interrupt);
  const unwatch = onStdoutFailure((why) => {
    outputLost = true;
    output.silence();
    stop(why, "standard output is closed: stopping after the steps in flight");
  });
  try {
    const result = await trainingRun({
      gpu,
      openFolder: async () => folder ?? RunFolder.create({ out: args.text("out"), preset: config.training.preset, force: args.flag("force") }),
      config,
      data,
      nameOf: (index) => {
        const molecule = molecules[data.heldout.sourceIndex[index]!]!;
        return molecule.name ?? formula(molecule);
      },
      resume: folder !== undefined,
      notes,
      onStart: ({ path }) => {
        files.push(...Object.values(RUN_FILES).map((name) => join(path, name)));
        output.start(config, path);
      },
      onRow: (row) => output.row(row),
      onProgress: (progress) => output.progress(progress),
      onWarning: (text) => output.warn(text),
      signal: controller.signal,
    });
    output.end(result, files);
    return result.interrupted || outputLost ? code : 0;
  } finally {
    output.clear();
    unwatch();
    for (const signal of STOPPING) process.off(signal, interrupt);
  }
}

function checkResumeArgs(args: Args): void {
  for (const name of Object.keys(spec.options)) {
    if (args.has(name) && !RESUMABLE.has(name)) {
      throw new VoxtwirlError(
        "bad-option",
        `--${name} does not go with --resume: a run keeps the configuration it began with`,
        "Leave it out, or start a new run.",
      );
    }
  }
}

async function openRun(path: string, args: Args): Promise<{ folder: RunFolder; config: RunConfig }> {
  const folder = await RunFolder.open(path);
  const config = parseRunConfig(await folder.readConfig(), folder.file("config"));
  const steps = args.integer("steps") ?? config.training.steps;
  const { precision } = config.training;
  if ((precisionOf(args) ?? precision) !== precision) {
    const message = `the run in ${path} is ${precision}, and stays so`;
    throw new VoxtwirlError("bad-option", message, "Leave --precision out, or start a new run.");
  }
  return { folder, config: { ...config, training: { ...config.training, steps } } };
}

function presetOf(args: Args, from: Readonly<Record<string, TrainConfig>>): TrainConfig {
  const name = args.choice("preset", Object.keys(presets)) ?? "tiny";
  return from[name] ?? presets[name]!;
}

function configFromArgs(args: Args, preset: TrainConfig): TrainConfig {
  const batch = args.integer("batch") ?? preset.batch;
  const positive = { min: 0, exclusiveMin: true };
  return checkTrainConfig({
    ...preset,
    batch,
    microBatch: args.integer("micro-batch") ?? batch,
    steps: args.integer("steps") ?? preset.steps,
    lr: args.number("lr", positive) ?? preset.lr,
    augment: args.choice("augment", ["so3", "octahedral", "none"]) ?? preset.augment,
    pose: args.choice("pose", ["as-is", "principal"]) ?? preset.pose,
    twirl: args.integer("twirl", { min: 2, max: 24 }) ?? preset.twirl,
    every: args.integer("every") ?? preset.every,
    heldout: args.integer("heldout") ?? preset.heldout,
    grid: args.integer("grid") ?? preset.grid,
    resolution: args.number("resolution", positive) ?? preset.resolution,
    sigma: args.number("sigma", positive) ?? preset.sigma,
    seed: args.integer("seed", { min: 0 }) ?? preset.seed,
    precision: precisionOf(args) ?? preset.precision,
  });
}

function runConfig(training: TrainConfig, data: PreparedDataset, file: { source: string; sha256: string }, gpu: Gpu): RunConfig {
  const { unknownElement, doesNotFit } = data.skipped;
  // An absolute path, so that a run resumes from any folder.
  const source = file.source === BUILTIN ? file.source : resolve(file.source);
  return {
    format: RUN_CONFIG_FORMAT,
    version: VOXTWIRL_VERSION,
    training,
    data: {
      source,
      sha256: file.sha256,
      splitSeed: training.seed,
      training: data.train.count,
      heldout: data.heldout.count,
      skipped: unknownElement + doesNotFit,
    },
    adapter: `${gpu.info.vendor} ${gpu.info.device} ${gpu.info.description}`.trim(),
  };
}

/** SwiftShader: software without lavapipe's vectors. Its presets are shortened where they are for trying out. */
function isSlow(gpu: Gpu): boolean {
  return gpu.caps.adapterClass === "software" && gpu.caps.subgroupMinSize < 8;
}

function skippedNotes({ skipped, train, heldout }: PreparedDataset, total: number): string[] {
  const { unknownElement, doesNotFit, unknownElements } = skipped;
  const notes: string[] = [];
  if (unknownElement > 0) notes.push(`${unknownElement} of ${total} molecules left out: elements ${unknownElements.join(" ")} have no channel`);
  if (doesNotFit > 0) notes.push(`${doesNotFit} of ${total} molecules left out: too large for the grid`);
  const copies = total - unknownElement - doesNotFit - train.count - heldout.count;
  if (copies > 0) notes.push(`${copies} of ${total} molecules left out: copies of held-out ones`);
  return notes;
}
