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
import { readArgs, type Args, type ArgsSpec } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { print } from "./measureOutput.ts";
import { precisionOf, precisionOption } from "./precision.ts";
import { evaluation, modelForward, trainingStep, type Profiled } from "./profilePlans.ts";
import { countProgress, showProgress } from "./progress.ts";
import { nothingKnown } from "./sweep.ts";

declare const VOXTWIRL_VERSION: string;

export const spec: ArgsSpec = {
  positionals: ["[train|measure|model", "FILE]"],
  options: {
    preset: { value: "NAME", help: `train and measure: ${Object.keys(allPresets()).join(", ")} (default tiny)` },
    data: {
      value: "FILE",
      help: `train and measure: ${dataHelp} (default: the built-in set)`,
    },
    strict: strictOption,
    batch: {
      value: "N",
      help: "train: samples in a step; measure: rotations computed at once; model: grids (default 1)",
    },
    steps: {
      value: "N",
      help: `replays to profile, each next to an ordinary one (default ${DEFAULT_REPEATS}); train makes real steps`,
    },
    trace: { value: "FILE", help: "write a Chrome trace, for Perfetto (ui.perfetto.dev) and speedscope" },
    html: { value: "FILE", help: "write a page with layers, roofline and memory" },
    json: { value: "FILE", help: "write all data as JSON" },
    precision: precisionOption("f32; for a model as it was trained"),
    adapter: adapterOption,
    "no-tuning": noTuningOption,
  },
};

const KINDS = ["train", "measure", "model"] as const;
type Kind = (typeof KINDS)[number];

/** Profiles a plan and prints tables; see `spec`. */
export async function run(argv: string[]): Promise<number> {
  const args = readArgs("profile", spec, argv);
  const [kind, file] = whatToProfile(args);
  const precision = precisionOf(args);
  const presets = allPresets();
  const named = presets[args.choice("preset", Object.keys(presets)) ?? "tiny"]!;
  const preset = precision ? { ...named, precision } : named;
  const data = args.text("data") ?? "builtin";
  const batch = args.integer("batch");
  const repeats = args.integer("steps", { max: 1000 }) ?? DEFAULT_REPEATS;
  const files = (["trace", "html", "json"] as const).map((name) => args.text(name));
  const twice = files.find((path, i) => path !== undefined && files.indexOf(path) !== i);
  if (twice !== undefined) throw badOption(`${twice} is named for two files`, "Give each its own name.");

  const gpu = await openCliGpu(args.text("adapter"), !args.flag("no-tuning"));
  const progress = showProgress();
  try {
    progress.show("measuring the adapter's ceilings");
    const roofline = await measureRoofline(gpu);
    const model = (g: Gpu) => modelForward(g, file!, batch, precision);
    const make = { train: trainingStep, measure: evaluation, model }[kind];
    progress.show("making what is to be profiled");
    const profiled = await make(gpu, { preset, data, strict: args.flag("strict"), batch });
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

function whatToProfile(args: Args): [Kind, string | undefined] {
  const [word = "train", file] = args.positionals;
  const kind = KINDS.find((known) => known === word);
  if (!kind) throw badOption(`cannot profile ${JSON.stringify(word)}`, `Use one of: ${KINDS.join(", ")}.`);
  if (kind === "model" && file === undefined) {
    throw badOption("profile model needs a file", "Give a run's folder or its model.safetensors.");
  }
  if (kind !== "model" && file !== undefined) {
    throw badOption(`profile ${kind} does not take the argument ${JSON.stringify(file)}`, "Leave it out.");
  }
  for (const name of ["preset", "data", "strict"]) {
    if (kind === "model" && args.has(name)) {
      throw badOption(
        `--${name} does not go with profile model`,
        "Leave it out: the file says how its model is built.",
      );
    }
  }
  return [kind, file];
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
    () => `${JSON.stringify({ type: "profile", version: VOXTWIRL_VERSION, title, roofline, ...profile })}\n`,
  );
  if (written.length > 0) print(["", "written:", ...written.map((path) => `  ${path}`)]);
}
