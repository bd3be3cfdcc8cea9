import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { build } from "../../scripts/build.mjs";

const folder = fileURLToPath(new URL(`../../.cache/cli-test-${process.pid}`, import.meta.url));

export interface Result {
  code: number;
  stdout: string;
  /** Without the warnings that Dawn itself writes. */
  stderr: string;
  /** Standard error with them, shown by no comparison of results. */
  everything?: string;
}

/** Environments that hold back what a machine has, so that every one shows the same. */
export interface Places {
  /** A Vulkan loader that does not load, and no driver. */
  noLoader: Record<string, string>;
  /** A Vulkan loader that finds no driver. */
  noDriver: Record<string, string>;
}

export interface BuiltCommand {
  run: (args: string[], env?: Record<string, string>) => Promise<Result>;
  places: Places;
  /** The command's file, for tests that start it themselves. */
  path: string;
}

/** Builds the command for a test file, into a folder of its own. */
export function useBuiltCommand(): BuiltCommand {
  const none = join(folder, "none.json");
  beforeAll(async () => {
    if (!(await build(folder))) throw new Error("the build failed");
    mkdirSync(join(folder, "no-loader"));
    writeFileSync(join(folder, "no-loader", "libvulkan.so.1"), "");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const noDriver = { VK_ICD_FILENAMES: none, VK_DRIVER_FILES: none, VOXTWIRL_DRIVER: "none", VOXTWIRL_ADAPTER: "" };
  return {
    run: (args, env) => run(args, env),
    path: join(folder, "voxtwirl.js"),
    places: {
      noLoader: { ...noDriver, LD_LIBRARY_PATH: join(folder, "no-loader") },
      noDriver,
    },
  };
}

function run(args: string[], env: Record<string, string> = {}): Promise<Result> {
  const command = [join(folder, "voxtwirl.js"), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      const result = { code, stdout, stderr: stderr.replace(/^(Warning: .*|\s+at .*\n)\n/gm, "") };
      resolve(Object.defineProperty(result, "everything", { value: stderr }));
    });
  });
}
