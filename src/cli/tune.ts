import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Tuning } from "../gpu/tuning.ts";
import { tableChoice } from "../kernels/kernel.ts";
import { kernelsWithVariants, kernelWithVariants } from "../kernels/list.ts";
import { openGpu } from "../node/openGpu.ts";
import { hostAdapterId, readTuning, removeTuning, writeTuning } from "../node/tuningCache.ts";
import { allPresets } from "../tasks/list.ts";
import { taskOfPreset } from "../tasks/list.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { choiceOf, countCalls, tune, type CountedCall } from "../tuning/tune.ts";
import { emptyTuning, withChoices } from "../tuning/tuning.ts";
import { badOption, choice, exits, integer, number } from "./args.ts";
import { adapterOption, openCliGpu } from "./gpu.ts";
import { interruptible, type Interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { print } from "./stdout.ts";
import { precisionOption } from "./precision.ts";
import { evaluation, trainingStep, type Profiled } from "./profilePlans.ts";
import { showProgress } from "./progress.ts";
import { callLines, remarkLines, resultLines } from "./tuneOutput.ts";

const KERNELS = kernelsWithVariants().map(({ name }) => name);

const presets = allPresets();
const PRESETS = [...Object.keys(presets), "all"];

const tuneOptions = (command: Command) =>
  command
    .addOption(
      choice("--preset <NAME>", `tune the calls of ${Object.keys(presets).join(", ")} or all (default tiny)`, PRESETS),
    )
    .addOption(choice("--kernel <NAME>", `only this kernel: ${KERNELS.join(", ")}`, KERNELS))
    .addOption(precisionOption("f32"))
    .addOption(integer("--batch <N>", "samples in a step (default: the preset's); what is found holds for this batch"))
    .addOption(
      number("--seconds <N>", "begin no other call after this many seconds; the costliest calls come first", {
        min: 0,
        exclusiveMin: true,
      }),
    )
    .addOption(adapterOption())
    .option("--list", "only show the calls, their variants and what is chosen")
    .option("--reset", "only forget what was found on this adapter")
    .option("--json", "print one JSON object on stdout");

type TuneOptions = ReturnType<ReturnType<typeof tuneOptions>["opts"]>;

export const define = (command: Command) => tuneOptions(command).action(exits(run));

/** Times the variants of a preset's kernels and keeps the fastest. Exit code 130 after Ctrl-C, all kept. */
async function run(options: TuneOptions): Promise<number> {
  const { preset = "tiny", kernel, seconds, precision, batch, json = false } = options;
  const configs = (preset === "all" ? Object.values(presets) : [presets[preset]!]).map((config) => ({
    ...config,
    ...(precision && { precision }),
  }));
  if (options.list && options.reset) {
    throw badOption("--list and --reset are two things", "Give one of them.");
  }

  // What is found must not depend on what was found before.
  const gpu = await openCliGpu(options.adapter, false);
  try {
    const adapter = hostAdapterId(gpu.info);
    if (options.reset) return await reset(adapter, json);
    const { tuning: before, problem } = await readTuning(adapter);
    if (problem !== undefined) process.stderr.write(`voxtwirl: ${problem}\n`);
    const tuning = before ?? emptyTuning(adapter);
    const progress = showProgress();
    const interruption = interruptible({ after: "the call in hand; what was found is kept", warn: progress.warn });
    interruption.begin();
    try {
      const timed = !options.list;
      const found = await collect(gpu, configs, batch, timed, (text) => progress.show(text), interruption.signal);
      const calls = found.filter(({ call }) => kernel === undefined || call.kernel === kernel);
      progress.clear();
      if (timed) return await tuneAll({ gpu, options, calls, tuning, seconds, progress, interruption });
      list(calls, tuning, gpu, json);
      return interruption.code;
    } finally {
      progress.clear();
      interruption.end();
    }
  } finally {
    gpu.destroy();
  }
}

interface Work {
  readonly gpu: Gpu;
  readonly options: TuneOptions;
  readonly calls: readonly CountedCall[];
  readonly tuning: Tuning;
  readonly seconds: number | undefined;
  readonly progress: ReturnType<typeof showProgress>;
  readonly interruption: Interruptible;
}

async function tuneAll({ gpu, options, calls, tuning, seconds, progress, interruption }: Work): Promise<number> {
  let second: Gpu | undefined;
  let kept = tuning;
  let path: string | undefined;
  try {
    const { results, left, stopped } = await tune(gpu, {
      calls,
      signal: interruption.signal,
      again: async () => (second = await openGpu({ adapter: options.adapter, tuning: "none" })),
      ...(seconds !== undefined && { seconds }),
      onProgress: (text) => progress.show(text),
      onResult: async (result) => {
        if (result.outcome === "failed") return;
        // At once, so that whatever ends this process takes nothing away.
        kept = withChoices(kept, new Map([[result.call.key, choiceOf(result)]]));
        path = await writeTuning(kept);
      },
    });
    progress.clear();
    if (options.json) printJson({ adapter: kept.adapter, path, results, left, stopped, tuning: kept });
    else {
      print([...resultLines(results), ...remarkLines(results, { left, stopped })]);
      if (path !== undefined) {
        print(["", "kept for all that runs on this adapter (--no-tuning leaves it aside):", `  ${path}`]);
      }
    }
    if (stopped) return interruption.code;
    // A wrong variant is never used, but a driver that makes one is worth knowing of.
    return results.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  } finally {
    second?.destroy();
  }
}

/** The calls of training steps and evaluations of presets; timed, so that the costliest come first. */
async function collect(
  gpu: Gpu,
  configs: readonly TrainConfig[],
  batch: number | undefined,
  timed: boolean,
  show: (text: string) => void,
  signal: AbortSignal,
): Promise<CountedCall[]> {
  const found: Parameters<typeof countCalls>[0][number][] = [];
  for (const preset of configs) {
    for (const [what, make] of [
      ["training step", trainingStep],
      ["evaluation", evaluation],
    ] as const) {
      if (signal.aborted) break;
      show(`preset ${preset.preset}: making its ${what}`);
      let profiled: Profiled;
      try {
        profiled = await make(gpu, {
          preset,
          data: taskOfPreset(preset.preset).builtin,
          batch: what === "evaluation" ? undefined : batch,
        });
      } catch (error) {
        const tooLarge =
          error instanceof VoxtwirlError && ["too-large", "out-of-memory", "no-data"].includes(error.code);
        if (!tooLarge || configs.length === 1) throw error;
        process.stderr.write(`voxtwirl: the ${what} of ${preset.preset} is left out: ${error.message}\n`);
        continue;
      }
      try {
        found.push({
          plan: { calls: profiled.plan.calls },
          ...(timed && { durationsMs: await durations(profiled, show) }),
        });
      } finally {
        profiled.destroy();
      }
    }
  }
  return countCalls(found);
}

async function durations({ plan, prepare, title }: Profiled, show: (text: string) => void): Promise<number[]> {
  show(`${title}: which calls cost most`);
  const profile = await plan.profile({ repeats: 1, prepare });
  return profile.dispatches.map(({ durationNs }) => durationNs / 1e6);
}

function list(calls: readonly CountedCall[], tuning: Tuning, gpu: Gpu, json: boolean): void {
  const rows = calls.map(({ call, count }) => {
    const { variants: choice } = kernelWithVariants(call.kernel);
    const variants = choice.of(gpu.caps, call.shape, call.dtype);
    const { row } = tableChoice(gpu.caps, choice, call.shape, variants);
    return {
      ...{ key: call.key, count, fallback: call.fallback, chosen: tuning.choices[call.key] },
      ...{ why: row?.why, measured: row?.measured, variants: variants.map(({ name }) => name) },
    };
  });
  if (json) printJson({ adapter: tuning.adapter, calls: rows });
  // Some terminals do not say how wide they are.
  else print(callLines(rows, (process.stdout.isTTY && process.stdout.columns) || Infinity));
}

async function reset(adapter: string, json: boolean): Promise<number> {
  const removed = await removeTuning(adapter);
  if (json) printJson({ adapter, removed });
  else {
    print(
      removed.length > 0
        ? ["removed:", ...removed.map((path) => `  ${path}`)]
        : ["there was no tuning for this adapter"],
    );
  }
  return 0;
}
