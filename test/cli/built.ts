import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { build } from "../../scripts/build.mjs";
import { runProcess, type Result } from "../processes.ts";

const folder = fileURLToPath(new URL(`../../.cache/cli-test-${process.pid}`, import.meta.url));

/** What the command did; `stderr` is without the warnings that Dawn itself writes. */
export interface CommandResult extends Result {
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
  run: (args: string[], env?: Record<string, string>) => Promise<CommandResult>;
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

async function run(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  const command = [join(folder, "voxtwirl.js"), ...args];
  const { stderr, ...rest } = await runProcess(process.execPath, command, { env: { ...process.env, ...env } });
  const result = { ...rest, stderr: stderr.replace(/^(Warning: .*|\s+at .*\n)\n/gm, "") };
  return Object.defineProperty(result, "everything", { value: stderr });
}
