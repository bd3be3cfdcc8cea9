/** The options of `voxtwirl train` that decide what a run computes. */
import type { Command } from "@commander-js/extra-typings";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { checkTrainConfig, presets, type TrainConfig } from "../training/presets.ts";
import { choice, integer, number, text } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption } from "./gpu.ts";
import { precisionOption } from "./precision.ts";

const positive = { min: 0, exclusiveMin: true };

/** The options of `voxtwirl train`. */
export const trainOptions = (command: Command) =>
  command
    .addOption(choice("--preset <NAME>", `${Object.keys(presets).join(", ")} (default tiny)`, Object.keys(presets)))
    .addOption(text("--data <FILE>", `${dataHelp} (default: the built-in set)`))
    .addOption(strictOption())
    .addOption(integer("--steps <N>", "how many updates the run has in all, with --resume too"))
    .addOption(integer("--batch <N>", "samples in each update"))
    .addOption(
      integer("--micro-batch <N>", "samples computed at once; divides the batch (default: the largest that fits)"),
    )
    .addOption(number("--lr <X>", "learning rate", positive))
    .addOption(
      choice("--augment <KIND>", "how training molecules are rotated at random: so3 (default), octahedral or none", [
        "so3",
        "octahedral",
        "none",
      ]),
    )
    .addOption(
      choice("--pose <KIND>", "as-is (default), or principal: first turn each molecule to its principal axes", [
        "as-is",
        "principal",
      ]),
    )
    .addOption(
      integer("--twirl <N>", "rotations of each held-out molecule: all 24 (default), or 2 to 23 drawn at random", {
        min: 2,
        max: 24,
      }),
    )
    .addOption(integer("--every <K>", "evaluate and save every K updates"))
    .addOption(integer("--heldout <N>", "how many molecules are held out for the evaluation"))
    .addOption(integer("--grid <N>", "voxels along each edge of the grid"))
    .addOption(
      number(
        "--resolution <X>",
        "edge of a voxel in Angstrom; to keep the task as hard, scale --sigma with its power -1.5",
        positive,
      ),
    )
    .addOption(number("--sigma <X>", "standard deviation of the noise that the model learns to remove", positive))
    .addOption(integer("--seed <N>", "seed of the weights, the split, poses and noise (default 1)", { min: 0 }))
    .addOption(precisionOption("f32"))
    .addOption(text("--out <DIR>", "the run's folder (default runs/PRESET-N)"))
    .option("--force", "replace an earlier run in --out")
    .addOption(text("--resume <DIR>", "continue the run in this folder with its own options, or begin one there"))
    .option("--take-over", "use the run's folder although another process holds it; only if you know that it is gone")
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .option("--json", "print the rows of metrics.jsonl on stdout, and nothing else")
    .option("--quiet", "print neither the live line nor the table");

export type TrainOptions = ReturnType<ReturnType<typeof trainOptions>["opts"]>;

/** The options that decide what a run computes, in the order in which messages name them. */
const COMPUTED = [
  "preset",
  "batch",
  "microBatch",
  "steps",
  "lr",
  "augment",
  "pose",
  "twirl",
  "every",
  "heldout",
  "grid",
  "resolution",
  "sigma",
  "seed",
  "precision",
] as const satisfies (keyof TrainOptions & keyof TrainConfig)[];

type Given = Pick<TrainOptions, (typeof COMPUTED)[number]>;

function givenOptions(options: TrainOptions): Given {
  return Object.fromEntries(COMPUTED.map((key) => [key, options[key]]));
}

/** The configuration of a new run. `shorter` holds the presets that are others here. */
export function newConfig(args: TrainOptions, shorter: Readonly<Record<string, TrainConfig>> = {}): TrainConfig {
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
export function resumedConfig(args: TrainOptions, path: string, before: TrainConfig): TrainConfig {
  const { steps = before.steps, ...given } = givenOptions(args);
  const differing: string[] = [];
  for (const [key, value] of Object.entries(given) as [keyof typeof given, (typeof given)[keyof typeof given]][]) {
    if (value === undefined || value === before[key]) continue;
    differing.push(`--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} ${value}, but the run has ${before[key]}`);
  }
  if (differing.length > 0) {
    const fix = "Leave that out to go on with the run as it is, or start a new one in another folder.";
    throw new VoxtwirlError("bad-option", `cannot resume ${path}: ${differing.join("; ")}`, fix);
  }
  return checkTrainConfig({ ...before, steps });
}

/** @throws VoxtwirlError "bad-option" for options that contradict --resume */
export function checkResumedFolder(args: TrainOptions, path: string): void {
  if (args.force) {
    const fix = "Leave --force out to go on with the run, or replace it with --out DIR --force.";
    throw new VoxtwirlError("bad-option", "--force does not go with --resume, which removes nothing", fix);
  }
  const out = args.out;
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
