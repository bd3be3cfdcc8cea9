import { VoxtwirlError } from "../errors.ts";
import { readArgs, type Args, type ArgsSpec } from "./args.ts";
import { dataHelp, strictOption } from "./data.ts";
import { adapterOption, noTuningOption } from "./gpu.ts";
import { measureArrays } from "./measureArrays.ts";
import { measureModel } from "./measureModel.ts";
import { precisionOf, precisionOption } from "./precision.ts";

/** The options of each way to measure; the others go with both. */
const MODEL_ONLY = [
  "model",
  "data",
  "strict",
  "twirl",
  "limit",
  "interpolation",
  "precision",
  "adapter",
  "no-tuning",
] as const;
const ARRAYS_ONLY = ["predictions", "targets", "rotations"] as const;

export const spec: ArgsSpec = {
  options: {
    model: { value: "RUN|FILE", help: "a run's folder or its model.safetensors" },
    data: {
      value: "FILE",
      help: `${dataHelp}, or builtin; of its training data only the held-out part`,
    },
    strict: strictOption,
    group: {
      value: "KIND",
      help:
        "octahedral (default): percentEquiv, exact on voxels; so3: percentPose, rotates the atoms; " +
        "full-octahedral (with --predictions only): with reflections",
    },
    twirl: { value: "N", help: "rotations of each molecule (default 24: all of the octahedral group)" },
    limit: { value: "M", help: "at most so many molecules, drawn at random by the seed (default 64)" },
    seed: { value: "N", help: "seed of poses, noise and random draws (default: the run's)" },
    interpolation: {
      value: "KIND",
      help: "with so3, how predictions are rotated back: catmull-rom (default) or trilinear",
    },
    precision: precisionOption("as the model was trained"),
    predictions: {
      value: "FILE",
      help: "instead of --model: .npy (N, samples, ...), rotated back; with so3 independent draws",
    },
    targets: { value: "FILE", help: "with --predictions, what they should be: .npy (N, ...)" },
    rotations: {
      value: "FILE",
      help:
        "if voxel --predictions (N, samples, D, D, D, C) are not rotated back: .npy (samples, 3, 3) or " +
        "(N, samples, 3, 3), active, x y z; a line tells if another convention fits far better",
    },
    adapter: adapterOption,
    "no-tuning": noTuningOption,
    json: { help: "print one JSON object on stdout" },
  },
};

/** Measures which share of a model's loss is rotation symmetry not learned; see `spec`. */
export async function run(argv: string[]): Promise<number> {
  const args = readArgs("measure", spec, argv);
  const group = args.choice("group", ["octahedral", "so3", "full-octahedral"]) ?? "octahedral";
  const json = args.flag("json");
  if (args.has("predictions")) {
    refuse(args, MODEL_ONLY, "predictions");
    const seed = args.integer("seed", { min: 0 }) ?? 0;
    return measureArrays({
      predictions: args.text("predictions")!,
      targets: required(args, "targets", "--predictions needs it: what the model should give, (N, ...)"),
      rotations: args.text("rotations"),
      group,
      seed,
      json,
    });
  }
  const model = required(args, "model", "Give --model and --data, or --predictions and --targets");
  refuse(args, ARRAYS_ONLY, "model");
  if (group === "full-octahedral") {
    throw new VoxtwirlError(
      "bad-option",
      "--group full-octahedral goes with --predictions: a molecule's mirror image may be another molecule",
      "Use --group octahedral.",
    );
  }
  const interpolation = args.choice("interpolation", ["catmull-rom", "trilinear"]);
  if (interpolation !== undefined && group !== "so3") {
    throw new VoxtwirlError(
      "bad-option",
      "--interpolation goes with --group so3: the octahedral group needs none",
      "Leave it out.",
    );
  }
  return measureModel({
    model,
    data: required(args, "data", "Give the molecules to measure on; builtin stands for the built-in set"),
    strict: args.flag("strict"),
    group,
    twirl: args.integer("twirl", group === "so3" ? { min: 2 } : { min: 2, max: 24 }) ?? 24,
    limit: args.integer("limit") ?? 64,
    seed: args.integer("seed", { min: 0 }),
    interpolation: interpolation ?? "catmull-rom",
    precision: precisionOf(args),
    adapter: args.text("adapter"),
    tuned: !args.flag("no-tuning"),
    json,
  });
}

function required(args: Args, name: string, why: string): string {
  const value = args.text(name);
  if (value !== undefined) return value;
  throw new VoxtwirlError("bad-option", `--${name} is not given`, `${why}. See: voxtwirl help measure`);
}

function refuse(args: Args, names: readonly string[], present: string): void {
  const found = names.find((name) => args.has(name));
  if (found === undefined) return;
  throw new VoxtwirlError(
    "bad-option",
    `--${found} does not go with --${present}`,
    "Leave one of them out. See: voxtwirl help measure",
  );
}
