import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VoxtwirlError } from "../src/errors.ts";

/**
 * The folder of this package, a checkout's or an installed one: the nearest above this file that is called voxtwirl.
 */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, "utf8")) as { name?: string };
      if (name === "voxtwirl") return folder;
    }
    if (dirname(folder) === folder) {
      throw new VoxtwirlError(
        "io",
        "the folder of the package voxtwirl is not found",
        "Run the bench from an installed package.",
      );
    }
  }
}

/** What other engines need besides: a package.json of their own, and a file for each. */
export function peersFolder(): string {
  return join(packageRoot(), "bench", "peers");
}
