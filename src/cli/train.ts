import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { isFinished, readRunConfig } from "../runs/earlierRun.ts";
import { readDataFile } from "../node/dataFile.ts";
import { isLasting } from "../node/molecules.ts";
import { RunFolder } from "../runs/runFolder.ts";
import { lookAtRun, type RunStage } from "../runs/runStage.ts";
import { trainingRun } from "../runs/trainingRun.ts";
import type { RunConfig } from "../training/runConfig.ts";
import { taskNamed, taskOfPreset } from "../tasks/list.ts";
import { exits } from "./args.ts";
import { openCliGpu } from "./gpu.ts";
import { interruptible, type Interruptible } from "./interrupt.ts";
import { checkResumedFolder, newConfig, resumedConfig, trainOptions, type TrainOptions } from "./trainArgs.ts";
import { TrainOutput } from "./trainOutput.ts";

export const define = (command: Command) => trainOptions(command).action(exits(run));

/** Trains a model. Exit code 130 after Ctrl-C and 141 when stdout closes, all saved. */
async function run(args: TrainOptions): Promise<number> {
  const output = new TrainOutput({ json: args.json ?? false, quiet: args.quiet ?? false });
  const { resume: resumed } = args;
  // What can be refused is refused before anything is opened; the adapter may still shorten a new run.
  if (resumed !== undefined) checkResumedFolder(args, resumed);
  const before = resumed === undefined ? undefined : await earlierRun(args, resumed, await lookAtRun(resumed));
  if (before === undefined) newConfig(args);
  else if (await isFinished(resumed!, before)) {
    const { steps } = before.training;
    output.warn(`${resumed} has done its ${steps} steps already; more of them (--steps) continue it`);
    return 0;
  }
  const gpu = await openCliGpu(args.adapter, args.tuning);
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
function openFolder(args: TrainOptions, output: TrainOutput): Promise<RunFolder> {
  const resumed = args.resume;
  const options = { takeOver: args.takeOver ?? false, onRemark: (text: string) => output.warn(text) };
  if (resumed !== undefined) return RunFolder.open(resumed, options);
  const { preset } = newConfig(args);
  return RunFolder.create({ out: args.out, preset, force: args.force ?? false, ...options });
}

interface Opened {
  readonly args: TrainOptions;
  readonly gpu: Gpu;
  readonly folder: RunFolder;
  readonly output: TrainOutput;
  readonly interruption: Interruptible;
}

async function train({ args, gpu, folder, output, interruption }: Opened): Promise<number> {
  const { path, stage } = folder;
  // Read again: until the folder was ours, another process may have changed it.
  const before = await earlierRun(args, path, stage);
  if (args.resume !== undefined && stage !== "saved") {
    const stopped = "was stopped before its first checkpoint: it begins again";
    output.warn(`${path} ${before ? stopped : "holds no run yet: a new one begins"}`);
  }
  const config = before?.training ?? newConfig(args, isSlow(gpu));
  const task = before ? taskNamed(before.task) : taskOfPreset(config.preset);
  const source = args.data ?? (before ? await storedSource(before) : task.builtin);
  const labelUnits = args.labelUnits ?? before?.data.labelUnits;
  const file = await readDataFile(task, source, { strict: args.strict, labelUnits });
  const { keepCheckpoints } = args;
  const { signal } = interruption;
  let interrupted = false;
  for await (const event of trainingRun({
    gpu,
    task,
    folder,
    config,
    file,
    source,
    labelUnits,
    keepCheckpoints,
    signal,
  })) {
    // From here on there is something to save.
    if (event.type === "ready") interruption.begin();
    if (event.type === "end") interrupted = event.interrupted;
    output.show(event, path);
  }
  return interrupted || interruption.outputLost ? interruption.code : 0;
}

/** The configuration of the run that a folder holds, with what of it may change; undefined where it holds none. */
async function earlierRun(args: TrainOptions, path: string, stage: RunStage): Promise<RunConfig | undefined> {
  if (stage === "none") return undefined;
  const config = await readRunConfig(path);
  const { keepCheckpoints = config.keepCheckpoints } = args;
  return { ...config, training: resumedConfig(args, path, config), ...(keepCheckpoints && { keepCheckpoints }) };
}

/** Where a run's data came from, to be read again. */
async function storedSource({ data: { source } }: RunConfig): Promise<string> {
  if (await isLasting(source)) return source;
  const message = `the run's data came through ${source}, which cannot be read a second time`;
  throw new VoxtwirlError("bad-option", message, "Give the same data with --data.");
}

/** SwiftShader: software without lavapipe's vectors. Its presets are shortened where they are for trying out. */
function isSlow(gpu: Gpu): boolean {
  return gpu.caps.adapterClass === "software" && gpu.caps.subgroupMinSize < 8;
}
