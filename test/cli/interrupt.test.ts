import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("interrupt");
const program = join(folder, "program.mjs");

beforeAll(async () => {
  const contents = `
    import { interruptible, withoutDebugger } from "./interrupt.ts";
    const [task] = process.argv.slice(2);
    if (task === "plain") {
      withoutDebugger();
      setTimeout(() => console.log("alive"), 2000);
    } else {
      process.on("exit", () => console.log("exit listeners run"));
      const interruption = interruptible({ after: "the work in hand", warn: (text) => console.log(text) });
      if (task !== "waiting") interruption.begin();
      interruption.signal.addEventListener("abort", () => setTimeout(() => {
        interruption.end();
        console.log("saved");
        process.exitCode = interruption.code;
        if (task === "done") setTimeout(() => {}, 1500);
      }, task === "done" ? 0 : 1500));
      setInterval(() => interruption.signal.aborted, 1000).unref();
      const busy = setTimeout(() => {}, 20_000);
      interruption.signal.addEventListener("abort", () => clearTimeout(busy));
    }
    console.log("ready");
  `;
  const resolveDir = fileURLToPath(new URL("../../src/cli", import.meta.url));
  const shape = { bundle: true, platform: "node", format: "esm", logLevel: "error" } as const;
  await build({ stdin: { contents, resolveDir, loader: "ts" }, outfile: program, ...shape });
});

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

/** Starts the program and, once it is ready, sends it signals, each so many milliseconds after the one before. */
function signalled(task: string, signals: readonly [NodeJS.Signals, number][]): Promise<Ending> {
  const child = spawn(process.execPath, [program, task], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const read = (chunk: Buffer) => {
    const before = output.includes("ready");
    output += chunk.toString();
    if (before || !output.includes("ready")) return;
    let at = 0;
    for (const [signal, after] of signals) setTimeout(() => child.kill(signal), (at += after));
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  return new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal, output })));
}

describe.concurrent("interruptible", () => {
  it.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGQUIT", 131],
    ["SIGHUP", 129],
    ["SIGUSR1", 138],
    ["SIGUSR2", 140],
    ["SIGXCPU", 152],
  ])("on %s finishes what is in hand and tells it by exit code %i", async (signal, code) => {
    const ending = await signalled("begun", [[signal, 0]]);
    expect(ending).toMatchObject({ code, signal: null });
    expect(ending.output).toMatch(/^ready\nstopping after the work in hand.*\nsaved\nexit listeners run\n$/);
  });

  it.each<[string, [NodeJS.Signals, number][], number]>([
    [
      "one request that is delivered twice",
      [
        ["SIGINT", 0],
        ["SIGINT", 20],
      ],
      130,
    ],
    [
      "the steps by which batch systems end a job",
      [
        ["SIGUSR1", 0],
        ["SIGINT", 300],
        ["SIGTERM", 300],
      ],
      138,
    ],
    [
      "warnings that repeat",
      [
        ["SIGXCPU", 0],
        ["SIGXCPU", 400],
        ["SIGUSR1", 100],
        ["SIGUSR1", 400],
      ],
      152,
    ],
    [
      "a terminal that closes",
      [
        ["SIGHUP", 0],
        ["SIGHUP", 400],
      ],
      129,
    ],
  ])("finishes after %s", async (_, signals, code) => {
    expect(await signalled("begun", signals)).toMatchObject({ code, output: expect.stringContaining("saved") });
  });

  it("ends with its code when one more comes after the work is done", async () => {
    const ending = await signalled("done", [
      ["SIGUSR1", 0],
      ["SIGUSR1", 500],
    ]);
    expect(ending).toMatchObject({ code: 138, output: expect.stringContaining("saved") });
  });

  it.each(["SIGINT", "SIGTERM", "SIGQUIT"] as const)("stops at once on a second %s", async (name) => {
    const ending = await signalled("begun", [
      [name, 0],
      [name, 600],
    ]);
    expect(ending.output).toMatch(/stopping[^\n]*\nexit listeners run\n$/);
    expect(ending.code).toBeGreaterThan(128);
  });

  it("ends at once while there is nothing to finish, by process.exit", async () => {
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGUSR1", 138],
    ] as const) {
      expect(await signalled("waiting", [[signal, 0]])).toMatchObject({ code, output: "ready\nexit listeners run\n" });
    }
  });
});

it("SIGUSR1 ends a process rather than opening Node's debugger", async () => {
  expect(await signalled("plain", [["SIGUSR1", 0]])).toEqual({ code: null, signal: "SIGUSR1", output: "ready\n" });
});
