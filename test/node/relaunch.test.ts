import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL(`../../.cache/relaunch-test-${process.pid}`, import.meta.url));
const program = `${folder}/relaunched.mjs`;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  const source = fileURLToPath(new URL("fixtures/relaunched.ts", import.meta.url));
  const shape = { bundle: true, platform: "node", format: "esm", logLevel: "error" } as const;
  await build({ entryPoints: [source], outfile: program, ...shape });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  output(): string;
  /** Resolves with the second process's id once it runs. */
  started: Promise<number>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function start(...args: string[]): Run {
  const { VOXTWIRL_RELAUNCHED: _, ...env } = process.env;
  // A process group of its own, so that a test can do what Ctrl-C does: signal all of it.
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
    detached: true,
  });
  let output = "";
  const started = new Promise<number>((resolve) => {
    child.stdout!.on("data", (data: Buffer) => {
      output += data.toString();
      const match = /started (\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
    });
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return { child, output: () => output, started, ended };
}

/** Whether a condition comes true within ten seconds. */
async function reaches(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

/** Linux's letter for what a process does: T when it is stopped. */
function stateOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/stat`, "utf8");
  return status.slice(status.lastIndexOf(")") + 2)[0]!;
}

describe.concurrent("relaunch", () => {
  it("passes on arguments, environment and the exit code", async () => {
    const run = start("exit", "7", "and more");
    expect(await run.ended).toEqual({ code: 7, signal: null });
    expect(run.output()).toMatch(/^started \d+ set exit 7 and more$/m);
    expect(await run.started).not.toBe(run.child.pid);
  });

  it("passes on success", async () => {
    expect(await start("exit", "0").ended).toEqual({ code: 0, signal: null });
  });

  it("ends by the signal that ended the new process", async () => {
    expect(await start("die", "SIGKILL").ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(await start("die", "SIGTERM").ended).toEqual({ code: null, signal: "SIGTERM" });
  });

  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU"] as const;
  it.each(signals)("passes on %s, and the code of a process that handles it", async (signal) => {
    const run = start("catch", signal);
    await run.started;
    run.child.kill(signal);
    expect(await run.ended).toEqual({ code: 5, signal: null });
    expect(run.output().match(/caught/g)).toHaveLength(1);
  });

  it("delivers Ctrl-C, which signals the whole process group, once", async () => {
    const run = start("catch", "SIGINT");
    await run.started;
    process.kill(-run.child.pid!, "SIGINT");
    expect(await run.ended).toEqual({ code: 5, signal: null });
    expect(run.output().match(/caught/g)).toHaveLength(1);
  });

  it("ends by a signal that the new process does not handle", async () => {
    const run = start("wait");
    await run.started;
    run.child.kill("SIGINT");
    expect(await run.ended).toEqual({ code: null, signal: "SIGINT" });
  });

  it.runIf(process.platform === "linux")("stops and goes on with the process that was stopped", async () => {
    const run = start("wait");
    const pid = await run.started;
    run.child.kill("SIGTSTP");
    expect(await reaches(() => stateOf(pid) === "T" && stateOf(run.child.pid!) === "T")).toBe(true);
    run.child.kill("SIGCONT");
    expect(await reaches(() => stateOf(pid) !== "T")).toBe(true);
    run.child.kill("SIGTERM");
    expect(await run.ended).toEqual({ code: null, signal: "SIGTERM" });
  });

  it("leaves no process behind when it is killed", async () => {
    const run = start("wait");
    const pid = await run.started;
    run.child.kill("SIGKILL");
    await run.ended;
    expect(await reaches(() => isGone(pid))).toBe(true);
  });
});
