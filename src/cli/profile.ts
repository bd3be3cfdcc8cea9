import { taskOfPreset } from "../tasks/list.ts";
import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { PlanProfile } from "../graph/profile.ts";
import { DEFAULT_REPEATS } from "../graph/profileReplays.ts";
import { measureRoofline, type Roofline } from "../graph/roofline.ts";
import { writeFileAtomic } from "../node/files.ts";
import { renderProfile } from "../report/profilePage.ts";
import { groupLines, memoryLines, timeLines } from "../report/profileTable.ts";
import { profileTrace } from "../report/profileTrace.ts";
import { allPresets } from "../tasks/list.ts";
import { choice, exits, integer, text } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { versioned } from "./json.ts";
import { print } from "./stdout.ts";
import { precisionOption } from "./precision.ts";
import { evaluation, modelForward, trainingStep, type Profiled } from "./profilePlans.ts";
import { countProgress, showProgress } from "./progress.ts";
import { nothingKnown } from "./sweep.ts";

declare const VOXTWIRL_VERSION: string;

const presets = allPresets();
const PRESETS = Object.keys(presets);

const KINDS = ["train", "measure", "model"] as const;
type Kind = (typeof KINDS)[number];

const profileOptions = (command: Command) =>
  command
    .argument("[train|measure|model]")
    .argument("[FILE]")
    .addOption(choice("--preset <NAME>", `train and measure: ${PRESETS.join(", ")} (default tiny)`, PRESETS))
    .addOption(text("--data <FILE>", `train and measure: ${dataHelp} (default: the built-in set)`))
    .addOption(strictOption())
    .addOption(
      integer(
        "--batch <N>",
        "train: samples in a step; measure: rotations computed at once; model: inputs (default 1)",
      ),
    )
    .addOption(
      integer(
        "--steps <N>",
        `replays to profile, each next to an ordinary one (default ${DEFAULT_REPEATS}); train makes real steps`,
        { max: 1000 },
      ),
    )
    .addOption(text("--trace <FILE>", "write a Chrome trace, for Perfetto (ui.perfetto.dev) and speedscope"))
    .addOption(text("--html <FILE>", "write a page with layers, roofline and memory"))
    .addOption(text("--json <FILE>", "write all data as JSON"))
    .addOption(precisionOption("f32; for a model as it was trained"))
    .addOption(adapterOption())
    .addOption(noTuningOption());

type ProfileOptions = ReturnType<ReturnType<typeof profileOptions>["opts"]>;

export const define = (command: Command) => profileOptions(command).action(exits(run));

/** Profiles a plan and prints tables. */
async function run(word: string | undefined, file: string | undefined, options: ProfileOptions): Promise<number> {
  const kind = whatToProfile(word, file, options);
  const { precision, preset: presetName = "tiny", batch, steps: repeats = DEFAULT_REPEATS } = options;
  const data = options.data ?? taskOfPreset(presetName).builtin;
  const named = presets[presetName]!;
  const preset = precision ? { ...named, precision } : named;
  const files = [options.trace, options.html, options.json];
  const twice = files.find((path, i) => path !== undefined && files.indexOf(path) !== i);
  if (twice !== undefined) throw badOption(`${twice} is named for two files`, "Give each its own name.");

  const gpu = await openCliGpu(options.adapter, options.tuning);
  const progress = showProgress();
  try {
    progress.show("measuring the adapter's ceilings");
    const roofline = await measureRoofline(gpu);
    const model = (g: Gpu) => modelForward(g, file!, batch, precision);
    const make = { train: trainingStep, measure: evaluation, model }[kind];
    progress.show("making what is to be profiled");
    const profiled = await make(gpu, { preset, data, strict: options.strict ?? false, batch });
    progress.clear();
    const { profile, code } = await profileLive(profiled, repeats);
    if (profile === undefined) return nothingKnown("profiled replay", { code });
    if (profile.repeats < repeats) print([`interrupted after ${profile.repeats} of ${repeats} profiled replays`]);
    print(describe(profiled, profile, roofline));
    await writeFiles(files, profiled.title, profile, roofline);
    return code;
  } finally {
    progress.clear();
    gpu.destroy();
  }
}

function whatToProfile(word = "train", file: string | undefined, options: ProfileOptions): Kind {
  const kind = KINDS.find((known) => known === word);
  if (!kind) throw badOption(`cannot profile ${JSON.stringify(word)}`, `Use one of: ${KINDS.join(", ")}.`);
  if (kind === "model" && file === undefined) {
    throw badOption("profile model needs a file", "Give a run's folder, its model.safetensors or a VoxMol checkpoint.");
  }
  if (kind !== "model" && file !== undefined) {
    throw badOption(`profile ${kind} does not take the argument ${JSON.stringify(file)}`, "Leave it out.");
  }
  for (const name of ["preset", "data", "strict"] as const) {
    if (kind === "model" && options[name] !== undefined) {
      throw badOption(
        `--${name} does not go with profile model`,
        "Leave it out: the file says how its model is built.",
      );
    }
  }
  return kind;
}

function badOption(message: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", message, `${fix} See: voxtwirl help profile`);
}

/** Profiles until it is done or somebody stops it; undefined where that was too early. With the exit code. */
async function profileLive(
  { plan, prepare }: Profiled,
  repeats: number,
): Promise<{ profile: PlanProfile | undefined; code: number }> {
  const progress = countProgress("replays", 1 + 2 * repeats);
  const interruption = interruptible({ after: "the replay in hand", warn: progress.warn });
  interruption.begin();
  try {
    progress.done(0);
    const { signal } = interruption;
    const profile = await plan.profile({ repeats, prepare, signal, onProgress: (done) => progress.done(done) });
    return { profile, code: profile.repeats < repeats || interruption.outputLost ? interruption.code : 0 };
  } catch (error) {
    if (!interruption.signal.aborted || !(error instanceof VoxtwirlError) || error.code !== "aborted") throw error;
    return { profile: undefined, code: interruption.code };
  } finally {
    progress.clear();
    interruption.end();
  }
}

const SHOWN = 12;

function describe({ title, notes }: Profiled, profile: PlanProfile, roofline: Roofline): string[] {
  return [
    `${title}: ${profile.dispatches.length} dispatches on ${profile.adapter}`,
    ...notes,
    `ceilings    ${roofline.gflops.toFixed(1)} GFLOP/s (multiply-adds in registers), ` +
      `${roofline.gbPerSecond.toFixed(1)} GB/s (a large copy)`,
    ...timeLines(profile),
    "",
    ...groupLines(profile, "phase", SHOWN, roofline),
    "",
    ...groupLines(profile, "shader", SHOWN, roofline),
    "",
    ...groupLines(profile, "layer", SHOWN, roofline),
    "",
    ...groupLines(profile, "label", SHOWN, roofline),
    "",
    ...memoryLines(profile),
  ];
}

async function writeFiles(
  files: readonly (string | undefined)[],
  title: string,
  profile: PlanProfile,
  roofline: Roofline,
): Promise<void> {
  const [trace, html, json] = files;
  const written: string[] = [];
  const write = async (path: string | undefined, text: () => string) => {
    if (path === undefined) return;
    await writeFileAtomic(path, text());
    written.push(path);
  };
  await write(trace, () => JSON.stringify(profileTrace(profile, roofline)));
  await write(html, () => renderProfile({ title, profile, roofline }));
  await write(
    json,
    () => `${JSON.stringify(versioned({ type: "profile", version: VOXTWIRL_VERSION, title, roofline, ...profile }))}\n`,
  );
  if (written.length > 0) print(["", "written:", ...written.map((path) => `  ${path}`)]);
}
