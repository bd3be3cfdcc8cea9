import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { checkSettings, ExperimentFolder, type Settings } from "../../src/experiments/laboratory.ts";
import type { Timings } from "../../src/experiments/costs.ts";
import type { ExperimentResults } from "../../src/experiments/results.ts";
import type { ExperimentEvent } from "../../src/experiments/runExperiment.ts";
import { Gpu } from "../../src/gpu/gpu.ts";
import { withNap } from "../../src/node/nap.ts";
import { openAdapter } from "../../src/node/open.ts";
import { lookAtRun } from "../../src/runs/runStage.ts";
import { testGpu } from "../harness.ts";
import { runProcess } from "../processes.ts";
import { temporaryFolder } from "../temporary.ts";
import { smallExperiment, type Small } from "./smallLaboratory.ts";

declare const VOXTWIRL_VERSION: string;

const root = temporaryFolder("laboratory");
const place = fileURLToPath(new URL(".", import.meta.url));
let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function all(small: Small): Promise<ExperimentEvent[]> {
  const events: ExperimentEvent[] = [];
  for await (const event of smallExperiment(gpu, small)) events.push(event);
  return events;
}

const planOf = (events: readonly ExperimentEvent[]) => events.find(({ type }) => type === "plan");
const bytes = (out: string, name: string) => readFileSync(join(out, name, "results.json"), "utf8");
const resultsOf = (out: string, name: string) => JSON.parse(bytes(out, name)) as ExperimentResults;
const runsOf = (out: string) => readdirSync(join(out, "runs")).sort();
const modified = (out: string) =>
  runsOf(out).map((run) => statSync(join(out, "runs", run, "state.safetensors")).mtimeMs);

describe("a laboratory", () => {
  const whole = join(root, "whole");
  beforeAll(async () => {
    const events = await all({ out: whole, name: "dip" });
    expect(planOf(events)).toMatchObject({ plan: { runs: 4, there: 0, models: 0 } });
  });

  it("has ordinary runs, results and a page", async () => {
    expect(runsOf(whole)).toHaveLength(4);
    for (const run of runsOf(whole)) expect(await lookAtRun(join(whole, "runs", run))).toBe("saved");
    const results = resultsOf(whole, "dip");
    expect(results).toMatchObject({ formatVersion: 1, type: "experiment", experiment: "dip", steps: 4, seeds: [1, 2] });
    expect(results.runs.map(({ arm, seed }) => `${arm} ${seed}`)).toEqual([
      ...["so3 1", "so3 2", "half width 1", "half width 2"],
    ]);
    expect(results.runs[0]!.readings.map(({ step }) => step)).toEqual([0, 2, 4]);
    const [one, two] = results.runs.map(({ readings }) => readings[1]!.figures.lossTotal!.value!);
    const mean = results.means.find(({ arm, step }) => arm === "so3" && step === 2)!.figures.lossTotal!;
    expect(mean.mean).toBeCloseTo((one! + two!) / 2, 12);
    expect(mean.stdErr).toBeCloseTo(Math.abs(one! - two!) / 2, 12);
    expect(results.verdict).toMatchObject({ verdict: "not decided", reason: "There are 2 seeds; it takes 3." });
    const page = readFileSync(join(whole, "dip", "report.html"), "utf8");
    expect(page).toContain("Not decided");
    for (const run of runsOf(whole)) expect(page).toContain(run);
  });

  it("does not run again what another experiment has run, and goes on with it for more steps", async () => {
    const [before, folders] = [modified(whole), runsOf(whole)];
    const events = await all({ out: whole, name: "twirling" });
    expect(planOf(events)).toMatchObject({ plan: { runs: 2, there: 2, models: 2, measured: 0 } });
    expect(runsOf(whole)).toEqual(folders);
    expect(modified(whole)).toEqual(before);
    const { figures } = resultsOf(whole, "twirling").runs[0]!.readings[0]!;
    expect(figures.gain24!.value! / figures.gainPerPass24!.value!).toBeCloseTo(23, 9);
    const fresh = join(root, "longer");
    await all({ out: fresh, name: "dip", steps: 6 });
    await all({ out: whole, name: "dip", steps: 6 });
    expect(runsOf(whole)).toEqual(folders);
    expect(bytes(whole, "dip")).toBe(bytes(fresh, "dip"));
  });

  it("finds what shorter experiments read in runs that have gone further", async () => {
    const before = bytes(whole, "twirling");
    rmSync(join(whole, "twirling"), { recursive: true });
    await all({ out: whole, name: "twirling" });
    expect(bytes(whole, "twirling")).toBe(before);
    await expect(all({ out: whole, name: "dip", steps: 5 })).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/without having evaluated at step 5/) as string,
      fix: expect.stringContaining("a multiple of 2") as string,
    });
  });

  it.each(["landscape", "gradients", "latents", "groups"])("measures the models that runs kept: %s", async (name) => {
    const out = join(root, "measured");
    await all({ out, name, seeds: 1, steps: 2 });
    const { arms, runs } = resultsOf(out, name);
    expect(runs).toHaveLength(arms.length);
    for (const { readings } of runs) {
      expect(readings.map(({ step }) => step)).toEqual(name === "groups" ? [0, 2] : [2]);
      const values = Object.entries(readings.at(-1)!.figures).map(([figure, { value }]) => ({ figure, value }));
      expect(values.length).toBeGreaterThan(8);
      expect(values.filter(({ value }) => value === null)).toEqual([]);
      expect(values).toContainEqual({ figure: "percentEquiv", value: expect.any(Number) as number });
    }
    expect(readFileSync(join(out, name, "report.html"), "utf8")).toContain("Not decided");
  });

  it.each(["dip", "ablation", "twirling", "landscape", "gradients", "scale"])(
    "has force fields beside denoisers: %s",
    async (name) => {
      const out = join(root, "forces");
      await all({ out, name, task: "forces", seeds: 1, steps: 2 });
      const results = resultsOf(out, `${name}-forces`);
      expect(results).toMatchObject({ experiment: name, preset: "forces-tiny" });
      for (const { readings } of results.runs) {
        const { figures } = readings.at(-1)!;
        expect(figures.percentEquiv?.value).toBeGreaterThan(0);
        expect(Object.entries(figures).filter(([, { value }]) => value === null)).toEqual([]);
      }
      const page = readFileSync(join(out, `${name}-forces`, "report.html"), "utf8");
      expect(page).not.toContain("voxel");
      if (name === "dip") expect(page).toContain("squared error per component of the forces, in (eV/A)²");
    },
  );

  it.each(["dip", "ablation", "landscape", "gradients", "latents"])("has flow matching too: %s", async (name) => {
    const out = join(root, "flow");
    await all({ out, name, task: "flow", seeds: 1, steps: 2 });
    const results = resultsOf(out, `${name}-flow`);
    expect(results).toMatchObject({ experiment: name, preset: "flow-tiny" });
    for (const { readings } of results.runs) {
      const { figures } = readings.at(-1)!;
      expect(figures.percentEquiv?.value).toBeGreaterThan(0);
      expect(Object.entries(figures).filter(([, { value }]) => value === null)).toEqual([]);
    }
    const page = readFileSync(join(out, `${name}-flow`, "report.html"), "utf8");
    expect(page).not.toMatch(/voxel(?! denoisers)|molecule/);
    expect(page).toContain("SHA-256 of the chains");
  });

  it("has arms of several tasks, which are the runs of other experiments with one of them", async () => {
    const out = join(root, "tasks");
    const small = { out, name: "tasks", seeds: 1, steps: 2 };
    const stop = new AbortController();
    for await (const event of smallExperiment(gpu, { ...small, signal: stop.signal })) {
      if (event.type === "progress" && event.run.startsWith("forces")) stop.abort();
      if (event.type === "end") expect(event.results).toBe(undefined);
    }
    expect(planOf(await all(small))).toMatchObject({ plan: { runs: 3, there: 1 } });
    const { runs, arms } = resultsOf(out, "tasks");
    expect(arms.map(({ name, data }) => [name, data!.source])).toEqual([
      ...[
        ["voxels", "builtin"],
        ["forces", "builtin-forces"],
        ["flow", "builtin-backbones"],
      ],
    ]);
    expect(new Set(runs.map(({ readings }) => readings.at(-1)!.figures.lossZero!.value)).size).toBe(3);
    const page = readFileSync(join(out, "tasks", "report.html"), "utf8");
    for (const said of ["Task flow", "forces: hidden", "per coordinate of the velocities"]) {
      expect(page).toContain(said);
    }
    const folders = runsOf(out);
    for (const task of ["voxels", "forces", "flow"]) {
      const { plan } = planOf(await all({ out, name: "gradients", task, seeds: 1, steps: 2 })) as { plan: object };
      expect(plan).toMatchObject({ runs: 1, there: 1 });
    }
    expect(runsOf(out)).toEqual(folders);
  });

  it("goes on with force fields where somebody stopped, to the same bytes", async () => {
    const [whole, stopped] = [join(root, "forces-whole"), join(root, "forces-stopped")];
    const small = { out: stopped, name: "gradients", task: "forces", seeds: 1, steps: 2 };
    await all({ ...small, out: whole });
    for (const at of ["step", "model"]) {
      const controller = new AbortController();
      for await (const event of smallExperiment(gpu, { ...small, signal: controller.signal })) {
        if (event.type === "progress" && event.what.startsWith(at)) controller.abort();
        if (event.type === "end") expect(event.results).toBe(undefined);
      }
    }
    await all(small);
    expect(bytes(stopped, "gradients-forces")).toBe(bytes(whole, "gradients-forces"));
  });

  it("trains an arm with fewer molecules on them, with the same held out", async () => {
    const out = join(root, "scale");
    await all({ out, name: "scale", seeds: 1, steps: 2 });
    const { arms, runs } = resultsOf(out, "scale");
    expect(arms.map(({ molecules }) => molecules)).toEqual([12, 12, 6, 2]);
    // The same loss of predicting zero: the same held-out molecules.
    const zero = runs.map(({ readings }) => readings[0]!.figures.lossZero!.value);
    expect(new Set(zero)).toEqual(new Set([zero[0]]));
  });

  it("counts and times the networks of arms, some of which have fewer steps", async () => {
    const out = join(root, "efficiency");
    await all({ out, name: "efficiency", seeds: 1, steps: 10 });
    const { arms, runs } = resultsOf(out, "efficiency");
    const regular = arms.findIndex(({ name }) => name === "regular");
    expect(runs.map(({ readings }) => readings.at(-1)!.step)).toEqual([10, 10, 2, 2, 10]);
    const [so3, , , wide] = arms.map(({ cost }) => cost!);
    expect(so3!.stepFlops).toBeGreaterThan(so3!.predictionFlops);
    expect(arms[regular]!.cost!.stepFlops).toBe(wide!.stepFlops);
    expect(wide!.weights / arms[regular]!.cost!.weights).toBeGreaterThan(15);
    for (const i of [1, 2]) {
      for (const { figures } of runs[i]!.readings) expect(figures.percentEquiv!.value).toBeLessThan(1e-6);
    }
    const file = join(out, "efficiency", "timings.json");
    const timed = readFileSync(file, "utf8");
    const { seconds } = JSON.parse(timed) as Timings;
    expect(Object.keys(seconds)).toEqual(arms.map(({ name }) => name));
    for (const { step, prediction } of Object.values(seconds)) expect(Math.min(step, prediction)).toBeGreaterThan(0);
    const before = bytes(out, "efficiency");
    rmSync(join(out, "efficiency", "results.json"));
    const stop = new AbortController();
    const small = { out, name: "efficiency", seeds: 1, steps: 10 };
    for await (const event of smallExperiment(gpu, { ...small, signal: stop.signal })) {
      if (event.type === "progress" && event.what === "its operations and seconds") stop.abort();
      if (event.type === "end") expect(event.results).toBe(undefined);
    }
    expect(readdirSync(join(out, "efficiency"))).not.toContain("results.json");
    await all(small);
    expect(bytes(out, "efficiency")).toBe(before);
    expect(readFileSync(file, "utf8")).toBe(timed);
    expect(readFileSync(join(out, "efficiency", "report.html"), "utf8")).toContain("GFLOP a step");
  });

  it("comes to the same bytes after kill -9 and after an interruption", async () => {
    const [fresh, killed, stopped] = ["fresh", "killed", "stopped"].map((name) => join(root, name));
    const events = await all({ out: fresh!, name: "dip" });
    const progress = events.filter(({ type }) => type === "progress").length;
    const script = join(place, "killedLaboratory.ts");
    const run = join(place, "..", "..", "scripts", "run.mjs");
    const at = String(Math.ceil(progress * 0.6));
    const { code, stderr } = await runProcess(process.execPath, [run, script, killed!, at, VOXTWIRL_VERSION]);
    expect(code, stderr).toBe(-1);
    expect(readdirSync(join(killed!, "dip"))).not.toContain("results.json");
    const there = planOf(await all({ out: killed!, name: "dip" }));
    expect(there).toMatchObject({ plan: { runs: 4 } });
    expect(bytes(killed!, "dip")).toBe(bytes(fresh!, "dip"));

    const controller = new AbortController();
    let last: ExperimentEvent | undefined;
    for await (const event of smallExperiment(gpu, { out: stopped!, name: "dip", signal: controller.signal })) {
      if (event.type === "progress") controller.abort();
      last = event;
    }
    expect(last).toEqual({ type: "end", results: undefined });
    await all({ out: stopped!, name: "dip" });
    expect(bytes(stopped!, "dip")).toBe(bytes(fresh!, "dip"));

    // Results of fewer steps do not pass for those of more once they are begun.
    const again = new AbortController();
    for await (const event of smallExperiment(gpu, { out: stopped!, name: "dip", steps: 6, signal: again.signal })) {
      if (event.type === "plan") again.abort();
    }
    expect((await ExperimentFolder.find(stopped!, "dip", "voxels")).stage).toBe("unfinished");
  });
});

describe("what cannot be is refused before anything is written:", () => {
  it("folders of something else", async () => {
    const other = join(root, "other");
    mkdirSync(join(other, "things"), { recursive: true });
    writeFileSync(join(root, "file"), "");
    await expect(ExperimentFolder.find(other, "dip", "voxels")).rejects.toMatchObject({ code: "bad-file" });
    await expect(ExperimentFolder.find(join(root, "file"), "dip", "voxels")).rejects.toMatchObject({
      code: "bad-file",
    });
    mkdirSync(join(other, "dip"));
    writeFileSync(join(other, "dip", "notes.txt"), "");
    await expect(ExperimentFolder.find(other, "dip", "voxels")).rejects.toThrow("the folder of something else");
    expect((await ExperimentFolder.find(join(root, "none"), "dip", "voxels")).stage).toBe("none");
  });

  const settings: Settings = {
    ...{ format: 1, experiment: "dip", preset: "tiny", source: "builtin", sha256: "ab", seeds: 3, steps: 100 },
  };

  it("the folder of another experiment", async () => {
    const out = join(root, "swapped");
    mkdirSync(join(out, "dip"), { recursive: true });
    writeFileSync(join(out, "dip", "experiment.json"), JSON.stringify({ ...settings, experiment: "scale" }));
    await expect(ExperimentFolder.find(out, "dip", "voxels")).rejects.toThrow("holds the experiment scale, not dip");
    writeFileSync(join(out, "dip", "experiment.json"), JSON.stringify({ ...settings, format: 7 }));
    await expect(ExperimentFolder.find(out, "dip", "voxels")).rejects.toMatchObject({ code: "bad-file" });
  });

  it("other settings than it began with, but for more seeds, steps and arms", () => {
    const check = (now: Partial<Settings>) => () => checkSettings("lab/dip", settings, { ...settings, ...now });
    expect(check({ seeds: 4, steps: 200 })).not.toThrow();
    expect(check({ steps: 50 })).toThrow("--steps 50, but it began with 100");
    expect(check({ seeds: 2 })).toThrow("--seeds 2, but it began with 3");
    expect(check({ preset: "small" })).toThrow("--preset small, but it began with tiny");
    expect(check({ sha256: "cd" })).toThrow("not those that it began with");
    expect(check({ others: { "forces-tiny": "ab" } })).toThrow("not those that it began with");
    expect(check({ arms: ["so3"] })).toThrow("it began with all arms");
    const some = (before: string[], arms?: string[]) => () =>
      checkSettings("lab/dip", { ...settings, arms: before }, { ...settings, ...(arms && { arms }) });
    expect(some(["so3"], ["half width"])).toThrow("it began with the arm so3 too");
    expect(some(["so3"], ["so3", "half width"])).not.toThrow();
    expect(some(["so3"])).not.toThrow();
  });

  it("arms that do not fit in memory", async () => {
    const { adapter } = await openAdapter({ hideWarnings: true });
    const small = await Gpu.open(adapter, { wait: withNap, memoryBudget: 100_000 });
    const out = join(root, "large");
    try {
      const events = smallExperiment(small, { out, name: "dip" });
      await expect(events.next()).rejects.toMatchObject({ code: "out-of-memory" });
      expect(() => readdirSync(out)).toThrow("ENOENT");
    } finally {
      small.destroy();
    }
  });
});
