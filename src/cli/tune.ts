import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Tuning } from "../gpu/tuning.ts";
import { tableChoice } from "../kernels/kernel.ts";
import { kernelsWithVariants, kernelWithVariants } from "../kernels/list.ts";
import { openGpu } from "../node/openGpu.ts";
import { hostAdapterId, readTuning, removeTuning, writeTuning } from "../node/tuningCache.ts";
import { allPresets } from "../tasks/list.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { choiceOf, countCalls, tune, type CountedCall } from "../tuning/tune.ts";
import { emptyTuning, withChoices } from "../tuning/tuning.ts";
import { type Args, type ArgsSpec, readArgs } from "./args.ts";
import { adapterOption, openCliGpu } from "./gpu.ts";
import { interruptible, type Interruptible } from "./interrupt.ts";
import { print, printJson } from "./measureOutput.ts";
import { precisionOf, precisionOption } from "./precision.ts";
import { evaluation, trainingStep, type Profiled } from "./profilePlans.ts";
import { showProgress } from "./progress.ts";
import { callLines, remarkLines, resultLines } from "./tuneOutput.ts";

const KERNELS = kernelsWithVariants().map(({ name }) => name);

export const spec: ArgsSpec = {
  options: {
    preset: { value: "NAME", help: `tune the calls of ${Object.keys(allPresets()).join(", ")} or all (default tiny)` },
    kernel: { value: "NAME", help: `only this kernel: ${KERNELS.join(", ")}` },
    precision: precisionOption("f32"),
    batch: { value: "N", help: "samples in a step (default: the preset's); what is found holds for this batch" },
    seconds: { value: "N", help: "begin no other call after this many seconds; the costliest calls come first" },
    adapter: adapterOption,
    list: { help: "only show the calls, their variants and what is chosen" },
    reset: { help: "only forget what was found on this adapter" },
    json: { help: "print one JSON object on stdout" },
  },
};

/** Times the variants of a preset's kernels and keeps the fastest; see `spec`. Exit code 130 after Ctrl-C, all kept. */
export async function run(argv: string[]): Promise<number> {
  const args = readArgs("tune", spec, argv);
  const presets = allPresets();
  const preset = args.choice("preset", [...Object.keys(presets), "all"]) ?? "tiny";
  const kernel = args.choice("kernel", KERNELS);
  const seconds = args.number("seconds", { min: 0, exclusiveMin: true });
  const precision = precisionOf(args);
  const configs = (preset === "all" ? Object.values(presets) : [presets[preset]!]).map((config) => ({
    ...config,
    ...(precision && { precision }),
  }));
  const batch = args.integer("batch");
  if (args.flag("list") && args.flag("reset")) {
    throw badOption("--list and --reset are two things", "Give one of them.");
  }

  // What is found must not depend on what was found before.
  const gpu = await openCliGpu(args.text("adapter"), false);
  try {
    const adapter = hostAdapterId(gpu.info);
    if (args.flag("reset")) return await reset(adapter, args.flag("json"));
    const { tuning: before, problem } = await readTuning(adapter);
    if (problem !== undefined) process.stderr.write(`voxtwirl: ${problem}\n`);
    const tuning = before ?? emptyTuning(adapter);
    const progress = showProgress();
    const interruption = interruptible({ after: "the call in hand; what was found is kept", warn: progress.warn });
    interruption.begin();
    try {
      const timed = !args.flag("list");
      const found = await collect(gpu, configs, batch, timed, (text) => progress.show(text), interruption.signal);
      const calls = found.filter(({ call }) => kernel === undefined || call.kernel === kernel);
      progress.clear();
      if (timed) return await tuneAll({ gpu, args, calls, tuning, seconds, progress, interruption });
      list(calls, tuning, gpu, args.flag("json"));
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
  readonly args: Args;
  readonly calls: readonly CountedCall[];
  readonly tuning: Tuning;
  readonly seconds: number | undefined;
  readonly progress: ReturnType<typeof showProgress>;
  readonly interruption: Interruptible;
}

async function tuneAll({ gpu, args, calls, tuning, seconds, progress, interruption }: Work): Promise<number> {
  let second: Gpu | undefined;
  let kept = tuning;
  let path: string | undefined;
  try {
    const { results, left, stopped } = await tune(gpu, {
      calls,
      signal: interruption.signal,
      again: async () => (second = await openGpu({ adapter: args.text("adapter"), tuning: "none" })),
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
    if (args.flag("json")) printJson({ adapter: kept.adapter, path, results, left, stopped, tuning: kept });
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
        profiled = await make(gpu, { preset, data: "builtin", batch: what === "evaluation" ? undefined : batch });
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

function badOption(message: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", message, fix);
}
