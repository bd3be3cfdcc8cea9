import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FileLock, type FileLockOptions } from "../../src/node/fileLock.ts";
import { isGone, thisProcess } from "../../src/node/processIdentity.ts";
import { temporaryFolder } from "../temporary.ts";

const root = temporaryFolder("lock");
const program = join(root, "holder.mjs");
let folder: string;
let path: string;
let children: ChildProcess[] = [];

beforeAll(async () => {
  const source = fileURLToPath(new URL("fixtures/lockHolder.ts", import.meta.url));
  const shape = { bundle: true, platform: "node", format: "esm", logLevel: "error" } as const;
  await build({ entryPoints: [source], outfile: program, ...shape });
});
beforeEach(() => {
  folder = mkdtempSync(join(root, "folder-"));
  path = join(folder, "lock");
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
});

interface Holder {
  child: ChildProcess;
  /** Resolves with the lines so far once one of them begins with one of these. */
  says: (...words: string[]) => Promise<string[]>;
  ended: Promise<unknown>;
}

function start(...args: string[]): Holder {
  const child = spawn(process.execPath, [program, path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => child.once("close", resolve));
  const says = async (...words: string[]) => {
    for (;;) {
      const lines = output.trimEnd().split("\n");
      if (lines.some((line) => words.some((word) => line.startsWith(word)))) return lines;
      if (child.exitCode !== null) throw new Error(`it ended, and said: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { child, says, ended };
}

const fix = { inUse: "wait, or --take-over", lost: "stop" };
const take = (options: Partial<FileLockOptions> = {}) =>
  FileLock.take(path, { what: "the folder", fix, beatMs: 100, ...options });
const inUse = (text: string | RegExp) => ({ code: "in-use", message: expect.stringMatching(text) });

/** A lock of a process on another machine that last showed a sign of life `secondsAgo`. */
function lockFromElsewhere(secondsAgo: number, changes: object = {}): void {
  const elsewhere = { host: "node17", pid: process.pid, place: "another boot", started: "1" };
  const holder = { ...elsewhere, since: "2026-01-02T03:04:05.000Z", beatMs: 100, id: "a", ...changes };
  writeFileSync(path, `${JSON.stringify(holder)}\n           7\n`);
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(path, time, time);
}

describe("FileLock", () => {
  it("is had by one at a time, and leaves nothing", async () => {
    const lock = await take();
    await expect(take()).rejects.toMatchObject(inUse(/the folder is being written by this process \(since .* UTC\)/));
    await lock.check();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    await expect(lock.check()).rejects.toMatchObject(inUse("closed"));
    (await take()).release();
  });

  it("names another process of this machine at once", async () => {
    const holder = start();
    await holder.says("taken");
    const since = "\\(since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC\\)";
    await expect(take()).rejects.toMatchObject({
      ...inUse(new RegExp(`by process ${holder.child.pid} on ${hostname()} ${since}, which is running`)),
      fix: fix.inUse,
    });
    holder.child.stdin!.end();
    await holder.ended;
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is given back by process.exit and by a signal that is handled so", async () => {
    const released: string[] = [];
    const before = process.listenerCount("exit");
    const lock = await take({ onRelease: () => released.push("folder") });
    expect(process.listenerCount("exit")).toBe(before + 1);
    process.listeners("exit").at(-1)!(0);
    expect(released).toEqual(["folder"]);
    expect(existsSync(path)).toBe(false);
    lock.release();
    expect(released).toEqual(["folder"]);
    expect(process.listenerCount("exit")).toBe(before);
  });

  it("passes on at once when its process was killed, with a remark", async () => {
    const holder = start();
    await holder.says("taken");
    holder.child.kill("SIGKILL");
    await holder.ended;
    const remarks: string[] = [];
    const lock = await take({ onRemark: (text) => remarks.push(text) });
    const remark = `^the folder: taken over from process ${holder.child.pid} on .*, which is gone$`;
    expect(remarks).toEqual([expect.stringMatching(remark)]);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(process.platform === "linux")("knows a process from a later one with its number", async () => {
    const here = thisProcess();
    expect(isGone(here)).toBe(false);
    expect(isGone({ ...here, started: "1" })).toBe(true);
    expect(isGone({ ...here, pid: 2 ** 22 + 1 })).toBe(true);
    expect(isGone({ ...here, place: "another boot, or another container" })).toBeUndefined();
    lockFromElsewhere(0, { ...here, started: "1" });
    (await take()).release();
  });

  it.runIf(process.platform === "linux")("takes a process that was killed but not waited for as gone", async () => {
    // A shell that starts a process and becomes another, which never asks how it ended.
    const shell = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    children.push(shell);
    const pid = await new Promise<number>((resolve) => {
      shell.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
    });
    const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8");
    const started = stat()
      .slice(stat().lastIndexOf(")") + 2)
      .split(" ")[19]!;
    const identity = { ...thisProcess(), pid, started };
    expect(isGone(identity)).toBe(false);
    // A shell would ask before its next command.
    const isShell = () => readFileSync(`/proc/${shell.pid}/cmdline`, "utf8").startsWith("sh");
    while (isShell()) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(pid, "SIGKILL");
    while (!/\) Z /.test(stat())) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isGone(identity)).toBe(true);
  });

  it("refuses one of another machine that shows signs of life, also when the clocks differ", async () => {
    for (const skew of [0, 3600, -3600]) {
      lockFromElsewhere(skew);
      const text = readFileSync(path, "utf8");
      let beats = 7;
      const timer = setInterval(() => writeFileSync(path, text.replace(/7\n$/, `${++beats}\n`)), 100);
      try {
        const message = /on node17 \(since 2026-01-02 03:04:05 UTC\), whose last sign of life was just now/;
        await expect(take()).rejects.toMatchObject(inUse(message));
      } finally {
        clearInterval(timer);
      }
      expect(readdirSync(folder)).toEqual(["lock"]);
    }
  });

  it("watches one of another machine, and takes it over once it has been silent for long", async () => {
    const remarks: string[] = [];
    const onRemark = (text: string) => void remarks.push(text);
    // Silent for long; a moment ago; in the future.
    for (const secondsAgo of [3600, 0, -3600]) {
      lockFromElsewhere(secondsAgo);
      (await take({ onRemark })).release();
    }
    const watching = (s: number): unknown =>
      expect.stringMatching(`belongs to process \\d+ on node17 .*for up to ${s} s`);
    const taken = (s: string): unknown =>
      expect.stringMatching(`from process \\d+ on node17 .*no sign of life for ${s} s`);
    expect(remarks).toEqual([watching(1), taken("360\\d"), watching(2), taken("1"), watching(2), taken("1")]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is taken from a living process on request, which finds out before it writes", async () => {
    const holder = start();
    await holder.says("taken");
    const lock = await take({ takeOver: true });
    holder.child.stdin!.write("?");
    const lines = await holder.says("mine", "the folder now");
    const owner = `process ${process.pid} on ${hostname()} \\(since .* UTC\\)`;
    expect(lines.at(-1)).toMatch(new RegExp(`^the folder now belongs to ${owner}: it was taken over`));
    // Neither its heartbeat nor its end touches the lock that is no longer its own.
    holder.child.stdin!.end();
    await holder.ended;
    await lock.check();
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is lost where somebody removed it: another process may have had it since", async () => {
    const lock = await take();
    rmSync(path);
    await expect(lock.check()).rejects.toMatchObject(inUse(/lost its lock .*: it was taken over, or somebody/));
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ["that find it", false],
    ["also after one has died at that", true],
  ])("passes from a dead process to exactly one of many, %s", async (_, claimed) => {
    const holder = start();
    await holder.says("taken");
    holder.child.kill("SIGKILL");
    await holder.ended;
    const dead = readFileSync(path, "utf8");
    const mark = createHash("sha256")
      .update(dead.slice(0, dead.indexOf("\n") + 1))
      .digest("hex")
      .slice(0, 8);
    if (claimed) writeFileSync(`${path}.${mark}`, dead);
    const rivals = Array.from({ length: 6 }, () => start());
    const said = await Promise.all(rivals.map(({ says }) => says("taken", "refused")));
    const winners = rivals.filter((_, i) => said[i]!.includes("taken"));
    expect(winners, JSON.stringify(said)).toHaveLength(1);
    winners[0]!.child.stdin!.write("?");
    await winners[0]!.says("mine");
    for (const rival of rivals) rival.child.stdin!.end();
    await Promise.all(rivals.map(({ ended }) => ended));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("goes on beating while its process is busy", async () => {
    const lock = await take({ beatMs: 50 });
    const beats = () => readFileSync(path, "utf8").split("\n")[1];
    while (beats()!.trim() === "0") await new Promise((resolve) => setTimeout(resolve, 5));
    const before = beats();
    const until = performance.now() + 400;
    while (performance.now() < until);
    expect(beats()).not.toBe(before);
    lock.release();
  });

  it("says so where it cannot be made, and leaves nothing", async () => {
    mkdirSync(path);
    await expect(take()).rejects.toMatchObject({ code: "io" });
    path = join(folder, "no", "lock");
    await expect(take()).rejects.toMatchObject({ code: "io", message: expect.stringContaining("no/lock") });
  });
});
