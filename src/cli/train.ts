import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { PreparedDataset } from "../molecules/dataset.ts";
import { formula } from "../molecules/molecule.ts";
import { readingLines } from "../molecules/records.ts";
import { isFinished, readRunConfig } from "../node/earlierRun.ts";
import type { MoleculeFile } from "../node/moleculeFile.ts";
import { isLasting, readMoleculeFile } from "../node/molecules.ts";
import { checkDivision, prepareRunData } from "../node/runData.ts";
import { RunFolder } from "../node/runFolder.ts";
import { lookAtRun, type RunStage } from "../node/runStage.ts";
import { trainingRun } from "../node/trainingRun.ts";
import { RUN_CONFIG_FORMAT, type RunConfig } from "../training/config.ts";
import { presets, slowPresets, type TrainConfig } from "../training/presets.ts";
import { readArgs, type Args, type ArgsSpec } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible, type Interruptible } from "./interrupt.ts";
import { precisionOption } from "./precision.ts";
import { checkResumedFolder, newConfig, resumedConfig } from "./trainArgs.ts";
import { TrainOutput } from "./trainOutput.ts";

declare const VOXTWIRL_VERSION: string;

export const spec: ArgsSpec = {
  options: {
    preset: { value: "NAME", help: `${Object.keys(presets).join(", ")} (default tiny)` },
    data: { value: "FILE", help: `${dataHelp} (default: the built-in set)` },
    strict: strictOption,
    steps: { value: "N", help: "how many updates the run has in all, with --resume too" },
    batch: { value: "N", help: "samples in each update" },
    "micro-batch": { value: "N", help: "samples computed at once; divides the batch (default: the largest that fits)" },
    lr: { value: "X", help: "learning rate" },
    augment: { value: "KIND", help: "how training molecules are rotated at random: so3 (default), octahedral or none" },
    pose: { value: "KIND", help: "as-is (default), or principal: first turn each molecule to its principal axes" },
    twirl: { value: "N", help: "rotations of each held-out molecule: all 24 (default), or 2 to 23 drawn at random" },
    every: { value: "K", help: "evaluate and save every K updates" },
    heldout: { value: "N", help: "how many molecules are held out for the evaluation" },
    grid: { value: "N", help: "voxels along each edge of the grid" },
    resolution: {
      value: "X",
      help: "edge of a voxel in Angstrom; to keep the task as hard, scale --sigma with its power -1.5",
    },
    sigma: { value: "X", help: "standard deviation of the noise that the model learns to remove" },
    seed: { value: "N", help: "seed of the weights, the split, poses and noise (default 1)" },
    precision: precisionOption("f32"),
    out: { value: "DIR", help: "the run's folder (default runs/PRESET-N)" },
    force: { help: "replace an earlier run in --out" },
    resume: { value: "DIR", help: "continue the run in this folder with its own options, or begin one there" },
    "take-over": { help: "use the run's folder although another process holds it; only if you know that it is gone" },
    adapter: adapterOption,
    "no-tuning": noTuningOption,
    json: { help: "print the rows of metrics.jsonl on stdout, and nothing else" },
    quiet: { help: "print neither the live line nor the table" },
  },
};

/** The name of the built-in set, for `readMoleculeFile` too. */
const BUILTIN = "builtin";

/** Trains a voxel denoiser; see `spec`. Exit code 130 after Ctrl-C and 141 when stdout closes, all saved. */
export async function run(argv: string[]): Promise<number> {
  const args = readArgs("train", spec, argv);
  const output = new TrainOutput({ json: args.flag("json"), quiet: args.flag("quiet") });
  const resumed = args.text("resume");
  // What can be refused is refused before anything is opened; the adapter may still shorten a new run.
  if (resumed !== undefined) checkResumedFolder(args, resumed);
  const before = resumed === undefined ? undefined : await earlierRun(args, resumed, await lookAtRun(resumed));
  const { steps } = before?.training ?? newConfig(args);
  if (before && (await isFinished(resumed!, steps))) {
    output.warn(`${resumed} has done its ${steps} steps already; more of them (--steps) continue it`);
    return 0;
  }
  const gpu = await openCliGpu(args.text("adapter"), !args.flag("no-tuning"));
  const interruption = interruptible({
    after: "the steps in flight",
    warn: (text) => output.warn(text),
    onOutputLost: () => output.silence(),
  });
  let folder: RunFolder | undefined;
  try {
    folder = await openFolder(args, output);
    return await train({ args, gpu, folder, output, interruption });
  } finally {
    output.clear();
    folder?.close();
    interruption.end();
    gpu.destroy();
  }
}

/** That of a new run, or of one that goes on; whatever it holds stays until the run begins. */
function openFolder(args: Args, output: TrainOutput): Promise<RunFolder> {
  const resumed = args.text("resume");
  const options = { takeOver: args.flag("take-over"), onRemark: (text: string) => output.warn(text) };
  if (resumed !== undefined) return RunFolder.open(resumed, options);
  const { preset } = newConfig(args);
  return RunFolder.create({ out: args.text("out"), preset, force: args.flag("force"), ...options });
}

interface Opened {
  readonly args: Args;
  readonly gpu: Gpu;
  readonly folder: RunFolder;
  readonly output: TrainOutput;
  readonly interruption: Interruptible;
}

async function train({ args, gpu, folder, output, interruption }: Opened): Promise<number> {
  const { path, stage } = folder;
  // Read again: until the folder was ours, another process may have changed it.
  const before = await earlierRun(args, path, stage);
  if (args.has("resume") && stage !== "saved") {
    const stopped = "was stopped before its first checkpoint: it begins again";
    output.warn(`${path} ${before ? stopped : "holds no run yet: a new one begins"}`);
  }
  const training = before?.training ?? newConfig(args, isSlow(gpu) ? slowPresets : {});
  const { file, source } = await readData(args, before);
  const { molecules, sha256 } = file;
  const data = await prepareRunData(molecules, training);
  const resume = before !== undefined && stage === "saved";
  if (resume) checkDivision(data, before);
  const config = resume ? { ...before, training } : runConfig(training, data, { sha256, source }, gpu);
  const notes = [...readingLines(file), ...skippedNotes(data, molecules.length)];
  for (const note of notes) output.warn(note);
  const result = await trainingRun({
    gpu,
    folder,
    config,
    data,
    nameOf: (index) => {
      const molecule = molecules[data.heldout.sourceIndex[index]!]!;
      return molecule.name ?? formula(molecule);
    },
    resume,
    notes,
    onReady: () => interruption.begin(),
    onStart: () => output.start(config, path),
    onRow: (row) => output.row(row),
    onProgress: (progress) => output.progress(progress),
    onWarning: (text) => output.warn(text),
    signal: interruption.signal,
  });
  output.end(result, path);
  return result.interrupted || interruption.outputLost ? interruption.code : 0;
}

/** The configuration of the run that a folder holds, with the --steps asked for; undefined where it holds none. */
async function earlierRun(args: Args, path: string, stage: RunStage): Promise<RunConfig | undefined> {
  if (stage === "none") return undefined;
  const config = await readRunConfig(path);
  return { ...config, training: resumedConfig(args, path, config.training) };
}

async function readData(
  args: Args,
  before: RunConfig | undefined,
): Promise<{ readonly file: MoleculeFile; readonly source: string }> {
  const given = args.text("data");
  const source = given ?? (before ? await storedSource(before) : BUILTIN);
  const file = await readMoleculeFile(source, { strict: args.flag("strict") });
  if (before && before.data.sha256 !== file.sha256) {
    const message =
      given === undefined
        ? `${source} has changed since the run began`
        : `--data ${given}, but the run began with ${before.data.source}, and their contents differ`;
    const fix = "Give the run's file with --data, or start a new run in another folder.";
    throw new VoxtwirlError("bad-file", message, fix);
  }
  return { file, source };
}

/** Where a run's data came from, to be read again. */
async function storedSource({ data: { source } }: RunConfig): Promise<string> {
  if (await isLasting(source)) return source;
  const message = `the run's data came through ${source}, which cannot be read a second time`;
  throw new VoxtwirlError("bad-option", message, "Give the same data with --data.");
}

function runConfig(
  training: TrainConfig,
  data: PreparedDataset,
  file: { source: string; sha256: string },
  gpu: Gpu,
): RunConfig {
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
  if (unknownElement > 0)
    notes.push(
      `${unknownElement} of ${total} molecules left out: elements ${unknownElements.join(" ")} have no channel`,
    );
  if (doesNotFit > 0) notes.push(`${doesNotFit} of ${total} molecules left out: too large for the grid`);
  const copies = total - unknownElement - doesNotFit - train.count - heldout.count;
  if (copies > 0) notes.push(`${copies} of ${total} molecules left out: copies of held-out ones`);
  return notes;
}
