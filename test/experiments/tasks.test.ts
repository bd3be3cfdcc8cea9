import { describe, expect, it } from "vitest";
import { withArms } from "../../src/experiments/arms.ts";
import { dip } from "../../src/experiments/dip.ts";
import { withTask } from "../../src/experiments/list.ts";
import { tasksExperiment } from "../../src/experiments/tasks.ts";
import { jitter, losses, synthetic, three } from "./synthetic.ts";

type Arrivals = Readonly<Record<string, (seed: number) => number>>;

/** Shares that are 1 % from a step on and 8 % before. */
const found = (arrivals: Arrivals, { of = three, total = 0.4, by = 0.01 } = {}) =>
  tasksExperiment.verdict(
    synthetic(tasksExperiment, of, (arm, seed, step) =>
      losses((step >= arrivals[arm]!(seed) ? 1 : 8) * jitter(seed, by), total),
    ),
  );

const all = (voxels: number, forces: number, flow: number): Arrivals => ({
  ...{ voxels: () => voxels, forces: () => forces, flow: () => flow },
});
const NEVER = Infinity;

describe("tasks", () => {
  it("holds where all come to 2 %, and voxels for certain last", () => {
    const { verdict, figures, reason } = found(all(800, 400, 200));
    expect(verdict).toBe("holds");
    expect(figures["forces: first step at 2 %"]).toBe(400);
    // Voxels after 700 and by 800, forces after 300 and by 400.
    expect(figures["steps of voxels / of forces, at least"]).toBeCloseTo(7 / 4, 9);
    expect(figures["steps of voxels / of forces, at most"]).toBeCloseTo(8 / 3, 9);
    expect(figures["steps of voxels / of flow, at least"]).toBeCloseTo(7 / 2, 9);
    expect(reason).toContain("voxels: first at or below 2 % at step 800, at best 1.00 ");
    expect(reason).toContain("steps of voxels over those of forces at least 1.75 (1.75 to 1.75), at most 2.67");
  });

  it("does not hold where voxels come before one of the others for certain, all the same whether all come", () => {
    expect(found(all(300, 600, 200)).verdict).toBe("does not hold");
    expect(found(all(300, NEVER, 200)).verdict).toBe("does not hold");
  });

  it("is not decided where evaluations lie too far apart, or seeds differ too much", () => {
    expect(found(all(500, 400, 200)).verdict).toBe("not decided");
    expect(found(all(600, 400, 200)).verdict).toBe("holds");
    const seeds: Arrivals = { ...all(600, 400, 200), forces: (seed) => [100, 400, 900][seed - 1]! };
    expect(found(seeds).verdict).toBe("not decided");
    expect(found(all(800, 400, 100)).reason).toContain("over those of flow at least 7.00 (7.00 to 7.00).");
  });

  it("is not decided where voxels have not come yet, although they come last", () => {
    const { verdict, figures, reason } = found(all(NEVER, 400, 200));
    expect(verdict).toBe("not decided");
    expect(figures["steps of voxels / of forces, at least"]).toBeCloseTo(10 / 4, 9);
    expect(figures["steps of voxels / of forces, at most"]).toBe(null);
    expect(reason).toContain("at least 2.50 (2.50 to 2.50); steps");
    expect(found(all(NEVER, NEVER, 200)).reason).toContain("over those of forces not known;");
  });

  it("does not hold where one task has stayed above to the end of the claim's steps", () => {
    const of = { steps: 10_000, every: 1000, seeds: 3 };
    expect(found(all(NEVER, 4000, 2000), { of }).verdict).toBe("does not hold");
    expect(found(all(NEVER, 4000, 2000), { of: { ...of, steps: 9000 } }).verdict).toBe("not decided");
    expect(found(all(8000, 4000, 2000), { of }).verdict).toBe("holds");
  });

  it("takes all of the interval to come to 2 %", () => {
    expect(found(all(800, 400, 200), { by: 0.6 }).verdict).toBe("not decided");
  });

  it("counts steps of forces where they do clearly better than predicting zero, of the others below it", () => {
    const judged = (total: number) => found(all(800, 400, 200), { total });
    expect(judged(0.49).verdict).toBe("holds");
    expect(judged(0.51)).toMatchObject({
      ...{ verdict: "does not hold" },
      figures: { "forces: first step at 2 %": null, "voxels: first step at 2 %": 800, "flow: first step at 2 %": 200 },
    });
    expect(judged(1.01).figures["flow: first step at 2 %"]).toBe(null);
  });

  it("speaks of all tasks", () => {
    const some = withArms(tasksExperiment, ["voxels", "flow"]);
    const outcome = synthetic(some, three, () => losses(1));
    expect(tasksExperiment.verdict(outcome).reason).toContain('The arm "forces" was not run');
    expect(tasksExperiment.tables(outcome).map(({ title }) => title)).toEqual([
      ...["Steps to 2 %", "Task voxels", "Task flow"],
    ]);
  });

  it("has arms that are those of dip with each task", () => {
    for (const { name, preset, changes } of tasksExperiment.arms) {
      const own = withTask(dip, name);
      expect({ preset, changes }).toEqual({ preset: own.preset, changes: own.arms[0]!.changes });
    }
  });

  it("draws nothing that has units, from step 1 on, and has a table for each task with its units", () => {
    const outcome = synthetic(tasksExperiment, three, (arm) => ({
      ...losses(8, arm === "voxels" ? 0.001 : 40),
      lossZero: arm === "voxels" ? 0.002 : 160,
    }));
    const [percent, over] = tasksExperiment.charts(outcome, "voxel");
    expect(percent!.curves.map(({ label }) => label)).toEqual(["voxels", "forces", "flow"]);
    expect(percent!.curves[0]!.points[0]).toEqual({ x: 100, values: [8, 8, 8] });
    expect(over!.curves.map(({ points }) => points[0]!.values)).toEqual([
      [0.5, 0.5, 0.5],
      [0.25, 0.25, 0.25],
      [0.25, 0.25, 0.25],
    ]);
    const [, voxels, forces, flow] = tasksExperiment.tables(outcome);
    expect(voxels!.caption).toContain("per voxel and channel");
    expect(forces!.caption).toContain("per component of the forces");
    expect(flow!.caption).toContain("per coordinate of the velocities");
    expect(voxels!.rows[0]!.slice(0, 3)).toEqual(["0", "8.00 ± 0", "0.500 ± 0"]);
  });
});
