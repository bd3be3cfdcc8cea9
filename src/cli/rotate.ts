import { Option, type Command } from "@commander-js/extra-typings";
import { usualTwirl } from "../equivariance/symmetryGroup.ts";
import { groupNames } from "../equivariance/namedGroups.ts";
import { kindOf } from "../node/moleculeBytes.ts";
import { requireNew } from "../node/newFile.ts";
import { requireWritable } from "../node/files.ts";
import { badOption, exits, integer, text } from "./args.ts";
import { chosenGroup, groupOption } from "./groupFile.ts";
import type { RotateChoice } from "./rotateChoice.ts";
import { rotateGrids } from "./rotateGrids.ts";
import { rotateFrameFile } from "./rotateFrameFile.ts";

const rotateOptions = (command: Command) =>
  command
    .addOption(
      text(
        "--data <FILE>",
        "frames as XYZ, extended XYZ or .npz, .gz or not, or /dev/stdin; or voxel grids as .npy (N, D, D, D, C); " +
          "builtin and builtin-forces stand for the built-in sets",
      ),
    )
    .addOption(text("--out <FILE>", "a new file: .xyz or .extxyz, also with .gz; .npz of .npz; .npy of .npy"))
    .addOption(
      groupOption(
        "so3 (default): independent draws from all rotations; o3: with inversions; octahedral (default of .npy): the " +
          "24 of the cube; full-octahedral: its 48 with reflections; mirrors: 8 changes of signs; cyclic2-x, -y, -z " +
          "and cyclic4-x, -y, -z: the two or four about an axis; quadrature-3, -5, -7, -9, -11: 24, 84, 208, 380 or " +
          "600 rotations that stand for all up to that degree; or a .json file of matrices",
        groupNames,
      ),
    )
    .addOption(integer("--twirl <N>", "copies of each (default 24, or all elements of a smaller group)"))
    .addOption(integer("--seed <N>", "seed of the draws (default 0)", { min: 0 }))
    .option(
      "--repeats",
      "of frames, also each as it is, twice, and with its last digits changed: to tell rounding and chance",
    )
    .option("--near-axes", "of frames, also poses with an edge along each axis, or nearly: does a prediction jump")
    .option("--center", "move the centroid of each frame's atoms to the origin first")
    .addOption(
      text(
        "--keep <NAMES>",
        "numbers that copies keep beside charge, spin and the like, with commas: single ones as they are, three turn " +
          "as a vector",
      ),
    )
    .addOption(new Option("--strict", "stop at a frame that cannot be used, instead of leaving it out"))
    .option("--json", "print one JSON object on stdout");

export const define = (command: Command) =>
  rotateOptions(command)
    .addHelpText("after", NEXT)
    .action(
      exits(
        async ({
          data,
          out,
          group: asked,
          twirl,
          seed = 0,
          center = false,
          repeats = false,
          nearAxes = false,
          keep,
          strict = false,
          json,
        }) => {
          if (data === undefined) throw missing("data", "Give the frames or grids to turn");
          if (out === undefined) throw missing("out", "Give a new file for the copies");
          const grids = kindOf(data) === ".npy";
          const name = asked ?? (grids ? "octahedral" : "so3");
          const group = await chosenGroup(name);
          if (twirl !== undefined && twirl > group.order) {
            const message = `--twirl ${twirl} is more than the ${group.order} elements of ${group.name}`;
            throw badOption(message, `Give at most ${group.order}, or another --group.`);
          }
          if (twirl !== undefined && group.weights && twirl !== group.order) {
            throw badOption(
              `--twirl ${twirl}: the ${group.order} rotations of ${group.name} go together`,
              "Leave it out.",
            );
          }
          await requireNew(out);
          await requireWritable(out);
          if ((repeats || nearAxes) && grids) {
            throw badOption("--repeats and --near-axes go with frames of atoms", "Leave them out.");
          }
          const given = { data, out, group, seed, center, repeats, nearAxes, strict, json: json ?? false };
          const chosen: RotateChoice = { ...given, twirl: twirl ?? usualTwirl(group), keep: names(keep) };
          return grids ? rotateGrids(chosen) : rotateFrameFile(chosen);
        },
      ),
    );

const NEXT = `
The copies of a frame follow one another. twirl_frame, twirl_copy and twirl_rotation on a comment line say which
rotation of which frame it is; frames are counted from 1. Labels are left out, and nothing is overwritten.`;

function names(list: string | undefined): string[] {
  const found = (list ?? "").split(",").map((name) => name.trim());
  return found.filter((name) => name !== "");
}

function missing(name: string, why: string) {
  return badOption(`--${name} is not given`, `${why}. See: voxtwirl help rotate`);
}
