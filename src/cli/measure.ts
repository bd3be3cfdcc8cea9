import type { Command } from "@commander-js/extra-typings";
import { rotationSources } from "../equivariance/cubeRotations.ts";
import { groupNames } from "../equivariance/namedGroups.ts";
import { badOption, choice, exits, integer, text } from "./args.ts";
import { dataHelp, labelUnitsOption, strictOption } from "./data.ts";
import { adapterOption, noTuningOption } from "./gpu.ts";
import { frameNames } from "./frameNames.ts";
import { groupOption } from "./groupFile.ts";
import { exportOption } from "./exportFolder.ts";
import { deltaOption, lossOption } from "./losses.ts";
import { measureArrays } from "./measureArrays.ts";
import { measureFrameFiles } from "./measureFrameFiles.ts";
import { measureFrameShard } from "./measureFrameShard.ts";
import { measureModel } from "./measureModel.ts";
import { precisionOption } from "./precision.ts";
import { shardOption } from "./shardOption.ts";

const QUADRATURES = groupNames.filter((name) => name.startsWith("quadrature-"));

/** The options of each way to measure; the others go with both. */
const MODEL_ONLY = [
  "model",
  "data",
  "strict",
  "labelUnits",
  "twirl",
  "limit",
  "interpolation",
  "precision",
  "export",
  "adapter",
  "tuning",
] as const;
const ARRAYS_ONLY = ["predictions", "targets", "rotations", "kind", "ignoreLabel"] as const;
const NAMES = ["names", "labelNames", "scalars", "vectors", "pseudovectors", "tensors"] as const;
const FRAMES_ONLY = ["frames", "rotated", "tolerance", "html", ...NAMES, "shard", "out"] as const;
const WITH_FRAMES: readonly string[] = ["data", "strict", "labelUnits", "export"];
/** What the rotations of frames are is known from them. */
const NOT_WITH_FRAMES = [
  ...MODEL_ONLY.filter((name) => !WITH_FRAMES.includes(name)),
  ...ARRAYS_ONLY,
  ...(["group", "seed"] as const),
];

const measureOptions = (command: Command) =>
  command
    .addOption(
      text("--model <RUN|FILE>", "a run's folder, its model.safetensors, or a VoxMol checkpoint (.pth.tar, .pt)"),
    )
    .addOption(text("--data <FILE>", `${dataHelp}, or builtin; of its training data only the held-out part`))
    .addOption(labelUnitsOption())
    .addOption(strictOption())
    .addOption(
      groupOption(
        "octahedral (default): percentEquiv, exact on voxels; so3: percentPose, rotates the atoms; " +
          "with --predictions only full-octahedral, with reflections; mirrors: the 8 changes of signs; " +
          "cyclic2-x, -y, -z " +
          "and cyclic4-x, -y, -z: the two or four about an axis; quadrature-3, -5, -7, -9, -11, whose weights are " +
          "used; or a .json file of matrices, as of rotate",
        [...rotationSources, ...QUADRATURES],
      ),
    )
    .addOption(integer("--twirl <N>", "rotations of each sample (default 24: all of the octahedral group)", { min: 2 }))
    .addOption(integer("--limit <M>", "at most so many samples, drawn at random by the seed (default 64)"))
    .addOption(integer("--seed <N>", "seed of poses, noise and random draws (default: the run's)", { min: 0 }))
    .addOption(
      choice(
        "--interpolation <KIND>",
        "with so3, how predictions are rotated back: catmull-rom (default) or trilinear",
        ["catmull-rom", "trilinear"],
      ),
    )
    .addOption(lossOption())
    .addOption(deltaOption())
    .addOption(precisionOption("as the model was trained"))
    .addOption(
      text(
        "--predictions <FILE>",
        "instead of --model: .npy (N, samples, ...), rotated back; with so3 independent draws",
      ),
    )
    .addOption(text("--targets <FILE>", "with --predictions, what they should be: .npy (N, ...)"))
    .addOption(
      text(
        "--rotations <FILE>",
        "if --predictions are not rotated back: .npy (samples, 3, 3) or (N, samples, 3, 3), active, x y z; a line " +
          "tells if another convention fits far better",
      ),
    )
    .addOption(
      choice(
        "--kind <KIND>",
        "with --rotations, what predictions are and how they turn: grid (default), voxels (N, samples, D, D, D, C); " +
          "vectors (N, samples, ..., 3), such as forces, or pseudovectors, such as torques; tensors " +
          "(N, samples, ..., 3, 3), such as stress; scalars",
        ["grid", "vectors", "pseudovectors", "tensors", "scalars"],
      ),
    )
    .addOption(
      integer("--ignore-label <K>", "where --targets are class labels (N, ...), the one that does not count", {
        min: -(2 ** 31),
      }),
    )
    .addOption(
      text(
        "--frames <FILE>",
        "instead of --model: rotated copies of the frames of --data, by voxtwirl rotate, with a program's predictions",
      ),
    )
    .addOption(text("--rotated <FILE>", "with --frames, what the program was given, if it loses comment lines"))
    .addOption(
      text("--names <LIST>", "with --frames, what predictions are called: energy=NAME,forces=NAME,stress=,virial="),
    )
    .addOption(text("--label-names <LIST>", "likewise, of the labels in --data"))
    .addOption(text("--vectors <NAMES>", "with --frames, other vectors to measure, such as dipole; with commas"))
    .addOption(text("--pseudovectors <NAMES>", "likewise, that keep their sign under inversion, such as torques"))
    .addOption(text("--tensors <NAMES>", "likewise, of nine numbers, or six in Voigt's order"))
    .addOption(text("--scalars <NAMES>", "likewise, numbers that no rotation changes"))
    .addOption(
      text(
        "--tolerance <LIST>",
        "with --frames, the floor of a program that iterates up to a convergence, in the predictions' units: a " +
          "number, or forces=1e-3,energy=1e-5",
      ),
    )
    .addOption(text("--html <FILE>", "with --frames, write a new page with charts and the worst structure in 3D"))
    .addOption(exportOption("; with --frames, tables of structures, copies, angles, parts and gains"))
    .addOption(shardOption())
    .addOption(text("--out <DIR>", "with --frames and --shard: the folder that all shards share"))
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .option("--json", "print one JSON object on stdout");

type MeasureOptions = ReturnType<ReturnType<typeof measureOptions>["opts"]>;

export const define = (command: Command) => measureOptions(command).action(exits(run));

/** Measures which share of a model's loss is rotation symmetry not learned. */
async function run(options: MeasureOptions): Promise<number> {
  const { group = "octahedral", json = false, predictions, interpolation, twirl = 24, loss, delta } = options;
  if (options.frames !== undefined) {
    refuse(options, NOT_WITH_FRAMES, "frames");
    const { frames, rotated, labelUnits, strict = false, html, export: exportTo, shard, out } = options;
    const data = required(options, "data", "--frames needs it: the frames before they were turned");
    const given = { ...frameNames(options), frames, data, rotated, labelUnits, strict, loss, delta, json };
    if (shard === undefined && out === undefined) return measureFrameFiles({ ...given, html, exportTo });
    for (const [name, value] of Object.entries({ html, export: exportTo })) {
      if (value !== undefined) throw badOption(`--${name} and --shard do not go together`, "Leave one of them out.");
    }
    if (shard !== undefined && out !== undefined) return measureFrameShard(given, { shard, out });
    throw badOption("--shard and --out go together", "Give both, or none of them.");
  }
  if (predictions !== undefined) {
    refuse(options, [...MODEL_ONLY, ...FRAMES_ONLY], "predictions");
    if (options.kind !== undefined && options.rotations === undefined) {
      throw badOption(
        `--kind ${options.kind} goes with --rotations: without these, predictions are taken as rotated back`,
        "Give --rotations, or leave --kind out.",
      );
    }
    return measureArrays({
      predictions,
      targets: required(options, "targets", "--predictions needs it: what the model should give, (N, ...)"),
      rotations: options.rotations,
      kind: options.kind ?? "grid",
      group,
      loss,
      delta,
      ignoreLabel: options.ignoreLabel,
      seed: options.seed ?? 0,
      json,
    });
  }
  const model = required(options, "model", "Give --model, --predictions or --frames");
  refuse(options, [...ARRAYS_ONLY, ...FRAMES_ONLY], "model");
  if (group !== "octahedral" && group !== "so3") {
    const why = group === "full-octahedral" ? ": a molecule's mirror image may be another molecule" : "";
    throw badOption(`--group ${group} goes with --predictions${why}`, "Use --group octahedral.");
  }
  if (interpolation !== undefined && group !== "so3") {
    throw badOption("--interpolation goes with --group so3: the octahedral group needs none", "Leave it out.");
  }
  if (options.export !== undefined && group === "so3") {
    throw badOption(
      "--export goes with --group octahedral: under so3 each rotation has noise of its own, and so another input",
      "Leave one of them out.",
    );
  }
  if (group === "octahedral" && twirl > 24) {
    throw badOption(`--twirl ${twirl} is not a whole number from 2 to 24`, "The octahedral group has 24 rotations.");
  }
  return measureModel({
    model,
    data: required(options, "data", "Give what to measure on; builtin stands for the built-in molecules"),
    strict: options.strict ?? false,
    labelUnits: options.labelUnits,
    group,
    twirl,
    limit: options.limit ?? 64,
    loss,
    delta,
    seed: options.seed,
    interpolation: interpolation ?? "catmull-rom",
    precision: options.precision,
    adapter: options.adapter,
    tuned: options.tuning,
    exportTo: options.export,
    json,
  });
}

function required(options: MeasureOptions, name: "model" | "data" | "targets", why: string): string {
  const value = options[name];
  if (value !== undefined) return value;
  throw badOption(`--${name} is not given`, `${why}. See: voxtwirl help measure`);
}

function refuse(options: MeasureOptions, names: readonly (keyof MeasureOptions)[], present: string): void {
  // --no-tuning is there as tuning that is not true.
  const found = names.find((name) => (name === "tuning" ? !options.tuning : options[name] !== undefined));
  if (found === undefined) return;
  const dashed = found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const option = found === "tuning" ? "no-tuning" : dashed;
  throw badOption(`--${option} does not go with --${present}`, "Leave one of them out. See: voxtwirl help measure");
}
