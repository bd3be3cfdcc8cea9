import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RUN_FILES } from "../../src/runs/runStage.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { metricRows, SMALL_RUN } from "./smallRun.ts";

const command = useBuiltCommand();
const root = temporaryFolder("writers");
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

const endless = ["train", ...SMALL_RUN, "--steps", "1000000", "--every", "20", "--json"];
const stepOf = (folder: string) => {
  const { metadata } = decodeSafetensors(readFileSync(join(folder, "state.safetensors")));
  return Number(metadata.step);
};

interface Running {
  child: ChildProcess;
  /** Resolves once its output holds such a text. */
  shows: (text: string | RegExp) => Promise<void>;
  stderr: () => string;
  ended: Promise<number | null>;
}

function start(...args: string[]): Running {
  const child = spawn(process.execPath, [command.path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const shows = async (text: string | RegExp) => {
    while (!(stdout + stderr).match(text)) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { child, shows, stderr: () => stderr, ended };
}

/** Rows of one run: every step once and in order, nothing in between. */
function expectOneWriter(folder: string): void {
  const steps = metricRows(folder).flatMap((row) => (row.type === "train" ? [row.step] : []));
  expect(steps).toEqual(steps.map((_, i) => i + 1));
}

describe("a run folder", () => {
  it("is refused to every other process while one writes it, and free when that was killed", async () => {
    const out = join(root, "busy");
    const first = start(...endless, "--out", out);
    await first.shows('"step":20,');
    const owner = `process ${first.child.pid} on .* \\(since .* UTC\\), which is running\\n.*--take-over`;
    const cases: [string[], string][] = [
      [["--resume", out], `busy is being written by ${owner}`],
      [["--out", out, "--force"], `busy is being written by ${owner}`],
      [["--out", out], "exists already"],
    ];
    for (const [args, message] of cases) {
      const refused = await command.run([...endless, ...args]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
    }
    expect(first.child.exitCode).toBeNull();
    first.child.kill("SIGKILL");
    await first.ended;
    expect(existsSync(join(out, "voxtwirl.lock"))).toBe(true);
    const steps = String(stepOf(out) + 3);
    const again = await command.run(["train", "--resume", out, "--steps", steps, "--json"]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr.match(/^voxtwirl: .*(taken over|belongs).*$/gm)).toEqual([
      expect.stringMatching(`busy: taken over from process ${first.child.pid} on .*, which is gone`),
    ]);
    expectOneWriter(out);
    expect(stepOf(out)).toBe(Number(steps));
    expect(readdirSync(out).filter((name) => name.includes("lock") || name.endsWith(".tmp"))).toEqual([]);
  });

  it.each([
    ["a new folder that all begin", false],
    ["one that a killed process left", true],
  ])("goes to exactly one of four processes that start at once: %s", async (what, left) => {
    const out = join(root, what);
    if (left) {
      const first = start(...endless, "--out", out);
      await first.shows('"step":20,');
      first.child.kill("SIGKILL");
      await first.ended;
    }
    const rivals = Array.from({ length: 4 }, () => start(...endless, "--resume", out));
    await Promise.all(rivals.map(({ shows, ended }) => Promise.race([shows(/"step":40,/).catch(() => {}), ended])));
    const winners = rivals.filter(({ child }) => child.exitCode === null);
    const losers = rivals.filter(({ child }) => child.exitCode === 1);
    expect([winners.length, losers.length], JSON.stringify(rivals.map(({ stderr }) => stderr()))).toEqual([1, 3]);
    for (const { stderr } of losers) expect(stderr()).toMatch(/is being written by process \d+ on .* \(since /);
    winners[0]!.child.kill("SIGTERM");
    expect(await winners[0]!.ended).toBe(143);
    expectOneWriter(out);
    expect(readdirSync(out).sort()).toEqual(Object.values(RUN_FILES).sort());
  });

  it("is left alone by a process that slept while another took it over and finished", async () => {
    const out = join(root, "asleep");
    const sleeper = start(...endless, "--out", out);
    await sleeper.shows('"step":20,');
    sleeper.child.kill("SIGSTOP");
    const refused = await command.run([...endless, "--resume", out]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`by process ${sleeper.child.pid}`) });
    const steps = String(stepOf(out) + 3);
    const other = await command.run(["train", "--resume", out, "--take-over", "--steps", steps, "--json"]);
    expect(other.code, other.stderr).toBe(0);
    const hashOf = (name: string) =>
      createHash("sha256")
        .update(readFileSync(join(out, name)))
        .digest("hex");
    const files = () => readdirSync(out).map((name) => [name, hashOf(name)]);
    const before = files();
    sleeper.child.kill("SIGCONT");
    expect(await sleeper.ended).toBe(1);
    expect(sleeper.stderr()).toMatch(/asleep has lost its lock .*taken over.*\n.*--resume/);
    expect(files()).toEqual(before);
  });

  it("goes again when its process is asked to stop before the run has begun", async () => {
    const out = join(root, "early");
    const { child, ended } = start(...endless, "--out", out);
    while (!existsSync(out)) await new Promise((resolve) => setTimeout(resolve, 2));
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    expect(existsSync(out)).toBe(false);
  });
});
