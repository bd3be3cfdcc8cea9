import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimFolder } from "../../src/node/installLock.ts";

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "voxtwirl-lock-"));
  folder = join(parent, "work");
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Leaves a folder as an earlier process would, last changed some seconds ago. */
function leave(owner: string, age: number): void {
  mkdirSync(folder);
  writeFileSync(join(folder, "owner.json"), owner);
  const then = Date.now() / 1000 - age;
  utimesSync(folder, then, then);
}

const busy = expect.objectContaining({ code: "exists" });
const ownerPid = () => JSON.parse(readFileSync(join(folder, "owner.json"), "utf8")).pid;

describe.runIf(process.platform === "linux")("claimFolder", () => {
  it("gives the folder to one process", () => {
    claimFolder(folder);
    expect(ownerPid()).toBe(process.pid);
    expect(() => claimFolder(folder)).toThrow(busy);
  });

  it("knows a process that is gone, also where its id has gone to another one", () => {
    leave(JSON.stringify({ pid: process.pid, started: "1", host: hostname() }), 0);
    claimFolder(folder);
    expect(ownerPid()).toBe(process.pid);
  });

  it("believes another machine for an hour", () => {
    const owner = JSON.stringify({ pid: 1, started: "1", host: "elsewhere" });
    leave(owner, 1800);
    expect(() => claimFolder(folder)).toThrow(busy);
    rmSync(folder, { recursive: true });
    leave(owner, 4000);
    claimFolder(folder);
    expect(ownerPid()).toBe(process.pid);
  });

  it("waits a moment for an owner who has not yet written who it is", () => {
    leave("{", 1);
    expect(() => claimFolder(folder)).toThrow(busy);
    rmSync(folder, { recursive: true });
    leave("{", 60);
    claimFolder(folder);
    expect(ownerPid()).toBe(process.pid);
  });
});
