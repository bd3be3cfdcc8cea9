import type { Representation } from "../equivariance/representations.ts";
import { VoxtwirlError } from "../errors.ts";

/**
 * How rotations act on predictions (N, samples, ...) of a kind.
 *
 * @param file what an error calls them
 * @throws VoxtwirlError "bad-file" where the shape is not the kind's, or where vectors or tensors may lie on voxels
 */
export function representationOf(kind: Representation["kind"], shape: readonly number[], file: string): Representation {
  const fail = (what: string, fix: string) =>
    new VoxtwirlError("bad-file", `${file} (${shape.join(", ")}) ${what}`, fix);
  const axes = shape.slice(2);
  switch (kind) {
    case "scalars":
      return { kind };
    case "grid": {
      const [size, height, width, channels] = axes as [number, number, number, number];
      if (axes.length === 4 && size === height && size === width) return { kind, size, channels };
      throw fail(
        "does not hold voxel grids to rotate back",
        "With --rotations give (N, samples, D, D, D, C), channels last, or say by --kind that these are vectors, " +
          "tensors or scalars; else rotate predictions back yourself.",
      );
    }
    case "vectors":
    case "pseudovectors":
    case "tensors": {
      const own = kind === "tensors" ? [3, 3] : [3];
      if (axes.length < own.length || axes.slice(-own.length).join() !== own.join()) {
        const six = kind === "tensors" ? " Write the six numbers of a symmetric one out as a matrix." : "";
        throw fail(`does not hold ${kind} to rotate back`, `Give (N, samples, ..., ${own.join(", ")}).${six}`);
      }
      if (!isCube(axes.slice(0, -own.length))) return { kind };
      throw fail(
        `may hold ${kind} on a voxel grid, and --kind ${kind} moves no voxels`,
        `Rotate such a grid back yourself, without --rotations; of anything else join the three equal axes to one.`,
      );
    }
  }
}

function isCube(sizes: readonly number[]): boolean {
  return sizes.length === 3 && sizes[0]! > 1 && sizes.every((size) => size === sizes[0]);
}
