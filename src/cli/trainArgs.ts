/** The options of `voxtwirl train` that decide what a run computes. */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { checkTrainConfig, presets, type TrainConfig } from "../tasks/voxels/presets.ts";
import type { Args } from "./args.ts";
import { precisionOf } from "./precision.ts";

/** The option that sets each value. */
const OPTIONS = {
  preset: "preset",
  batch: "batch",
  microBatch: "micro-batch",
  steps: "steps",
  lr: "lr",
  augment: "augment",
  pose: "pose",
  twirl: "twirl",
  every: "every",
  heldout: "heldout",
  grid: "grid",
  resolution: "resolution",
  sigma: "sigma",
  seed: "seed",
  precision: "precision",
} as const satisfies Partial<Record<keyof TrainConfig, string>>;

type Given = { -readonly [K in keyof typeof OPTIONS]?: TrainConfig[K] | undefined };

/** What was given, checked one by one. */
function givenOptions(args: Args): Given {
  const positive = { min: 0, exclusiveMin: true };
  return {
    preset: args.choice("preset", Object.keys(presets)),
    batch: args.integer("batch"),
    microBatch: args.integer("micro-batch"),
    steps: args.integer("steps"),
    lr: args.number("lr", positive),
    augment: args.choice("augment", ["so3", "octahedral", "none"]),
    pose: args.choice("pose", ["as-is", "principal"]),
    twirl: args.integer("twirl", { min: 2, max: 24 }),
    every: args.integer("every"),
    heldout: args.integer("heldout"),
    grid: args.integer("grid"),
    resolution: args.number("resolution", positive),
    sigma: args.number("sigma", positive),
    seed: args.integer("seed", { min: 0 }),
    precision: precisionOf(args),
  };
}

/** The configuration of a new run. `shorter` holds the presets that are others here. */
export function newConfig(args: Args, shorter: Readonly<Record<string, TrainConfig>> = {}): TrainConfig {
  const { preset: name = "tiny", ...rest } = givenOptions(args);
  const preset = shorter[name] ?? presets[name]!;
  const entries = Object.entries<unknown>(rest).filter(([, value]) => value !== undefined);
  const given = Object.fromEntries(entries) as Partial<TrainConfig>;
  const batch = given.batch ?? preset.batch;
  return checkTrainConfig({ ...preset, microBatch: batch, ...given });
}

/**
 * The configuration with which a run goes on: its own, but for --steps.
 *
 * @param path the run's folder, as given to --resume
 * @throws VoxtwirlError "bad-option" naming the options that differ from the run's
 */
export function resumedConfig(args: Args, path: string, before: TrainConfig): TrainConfig {
  const { steps = before.steps, ...given } = givenOptions(args);
  const differing: string[] = [];
  for (const [key, value] of Object.entries(given) as [keyof typeof given, (typeof given)[keyof typeof given]][]) {
    if (value === undefined || value === before[key]) continue;
    differing.push(`--${OPTIONS[key]} ${value}, but the run has ${before[key]}`);
  }
  if (differing.length > 0) {
    const fix = "Leave that out to go on with the run as it is, or start a new one in another folder.";
    throw new VoxtwirlError("bad-option", `cannot resume ${path}: ${differing.join("; ")}`, fix);
  }
  return checkTrainConfig({ ...before, steps });
}

/** @throws VoxtwirlError "bad-option" for options that contradict --resume */
export function checkResumedFolder(args: Args, path: string): void {
  if (args.flag("force")) {
    const fix = "Leave --force out to go on with the run, or replace it with --out DIR --force.";
    throw new VoxtwirlError("bad-option", "--force does not go with --resume, which removes nothing", fix);
  }
  const out = args.text("out");
  if (out !== undefined && realPath(out) !== realPath(path)) {
    const fix = "Leave --out out: a run stays in its folder.";
    throw new VoxtwirlError("bad-option", `--out ${out} is another folder than that of --resume, ${path}`, fix);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
