import { describe, expect, it } from "vitest";
import { ablation } from "../../src/experiments/ablation.ts";
import { withArms } from "../../src/experiments/arms.ts";
import { dip } from "../../src/experiments/dip.ts";
import { efficiency } from "../../src/experiments/efficiency.ts";
import type { Experiment } from "../../src/experiments/experiment.ts";
import { experimentFolders, experiments, folderOf, tasksOf, withTask } from "../../src/experiments/list.ts";
import { gradients } from "../../src/experiments/gradients.ts";
import { groups } from "../../src/experiments/groups.ts";
import { landscapeExperiment } from "../../src/experiments/landscape.ts";
import { latents } from "../../src/experiments/latents.ts";
import { ASKED, SYMMETRIES } from "../../src/experiments/symmetries.ts";
import { scale } from "../../src/experiments/scale.ts";
import { twirling } from "../../src/experiments/twirling.ts";
import { jitter, losses, synthetic, three } from "./synthetic.ts";

describe("dip", () => {
  const falling =
    (floor: number, total = 0.5) =>
    (_: string, seed: number, step: number) =>
      losses((floor + 50 * Math.exp(-step / 100)) * jitter(seed), total);
  const verdict = (of: typeof three, figures: ReturnType<typeof falling>) => dip.verdict(synthetic(dip, of, figures));

  it("holds where both widths come to 2 % with all of the interval", () => {
    const found = verdict(three, falling(1));
    expect(found.verdict).toBe("holds");
    expect(found.figures["so3: first step at 2 %"]).toBe(400);
    expect(found.reason).toContain("first at or below 2 % at step 400");
  });

  it("is not decided where one of them does not, before the claim's steps are over", () => {
    const found = verdict(three, (arm, seed, step) => falling(arm === "so3" ? 1 : 3)(arm, seed, step));
    expect(found.verdict).toBe("not decided");
    expect(found.figures["half width: first step at 2 %"]).toBe(null);
  });

  it("does not hold where 10,000 steps have stayed above", () => {
    const long = { steps: 10_000, every: 1000, seeds: 3 };
    expect(verdict(long, falling(3)).verdict).toBe("does not hold");
    expect(verdict(long, (_, seed) => losses(2.05 * jitter(seed, 0.2))).verdict).toBe("not decided");
  });

  it("does not count the share of a net that predicts no better than zero", () => {
    expect(verdict(three, falling(1, 1.5)).verdict).toBe("not decided");
  });

  it("counts steps of force fields where they do clearly better than predicting zero", () => {
    const forces = withTask(dip, "forces");
    const found = (total: number) => forces.verdict(synthetic(forces, three, falling(1, total)));
    expect(found(0.49).verdict).toBe("holds");
    expect(found(0.51).verdict).toBe("not decided");
    expect(verdict(three, falling(1, 0.51)).verdict).toBe("holds");
    expect(forces.rule.replace("half of lossZero", "lossZero")).toBe(dip.rule);
  });

  it("does not count a mean at 2 % whose interval goes beyond", () => {
    expect(verdict(three, (_, seed) => losses(1.9 * jitter(seed, 0.2))).verdict).toBe("not decided");
  });

  it("says how much faster L_equiv falls", () => {
    const found = verdict(three, (_, seed, step) => {
      const [equiv, mean] = [Math.exp(-step / 200), Math.exp(-step / 600)].map((value) => value * 0.1 * jitter(seed));
      return { ...losses(1), lossEquiv: equiv!, lossMean: mean! };
    });
    expect(found.figures["so3: rate of L_equiv over L_mean"]).toBeCloseTo(3, 6);
  });
});

it("nothing is decided without an arm that the verdict speaks of", () => {
  const some = withArms(ablation, ["so3", "octahedral"]);
  const found = ablation.verdict(synthetic(some, three, () => losses(2)));
  expect(found).toMatchObject({
    verdict: "not decided",
    reason: expect.stringContaining('"none, principal"') as string,
  });
  const pair = withArms(ablation, ["none, principal", "so3"]);
  expect(pair.arms.map(({ name }) => name)).toEqual(["so3", "none, principal"]);
  const outcome = synthetic(pair, three, (arm, seed) => losses((arm === "so3" ? 2 : 8) * jitter(seed)));
  expect(ablation.verdict(outcome).verdict).toBe("holds");
  expect(ablation.tables(outcome)[0]!.rows).toHaveLength(1);
  expect(() => withArms(ablation, ["so4"])).toThrow(expect.objectContaining({ code: "bad-option" }) as Error);
});

describe("ablation", () => {
  const apart = (factor: number, by = 0.01) =>
    ablation.verdict(
      synthetic(ablation, three, (arm, seed, step) =>
        losses(arm === "none, principal" ? 2 * (step >= 300 ? factor : 1) * jitter(seed, by) : 2),
      ),
    );

  it("holds where the arms part by more than the least effect", () => {
    const found = apart(4);
    expect(found.verdict).toBe("holds");
    expect(found.figures["arms part at step"]).toBe(300);
    expect(found.figures["none, principal / so3"]).toBeCloseTo(4, 2);
    expect(found.figures["none / so3"]).toBe(1);
  });

  it("does not hold where they stay together, or part by less", () => {
    expect(apart(1).verdict).toBe("does not hold");
    expect(apart(1).figures["arms part at step"]).toBe(null);
    expect(apart(1.2).verdict).toBe("does not hold");
  });

  it("is not decided where the seeds differ too much", () => {
    expect(apart(1.6, 0.2).verdict).toBe("not decided");
  });
});

describe("efficiency", () => {
  /** Losses that fall with the work that was done, by an arm's factor; steps of regular nets are six times the work. */
  const trained = (factors: Record<string, number>, by = 0.01) => {
    const flops = (arm: string) => (arm === "regular" || arm.includes("channels") ? 6e9 : 1e9);
    return synthetic(
      efficiency,
      three,
      (arm, seed, step) =>
        losses(
          4,
          ((factors[arm] ?? 1) * jitter(seed, arm === "regular" ? -by : by)) / Math.sqrt(1 + (step * flops(arm)) / 1e9),
        ),
      (arm) => ({ weights: 100, predictionFlops: flops(arm) / 24, stepFlops: flops(arm) }),
    );
  };
  const verdict = (factors: Record<string, number>, by?: number) => efficiency.verdict(trained(factors, by));

  it("holds where the ordinary net has the lower loss for the same work", () => {
    const found = verdict({ trivial: 2, regular: 1.5 });
    expect(found.verdict).toBe("holds");
    expect(found.figures["training, TFLOP"]).toBeCloseTo(1, 9);
    expect(found.figures["so3 / regular"]).toBeCloseTo(1 / 1.5, 2);
    expect(found.figures["so3 / trivial"]).toBeCloseTo(1 / 2, 2);
    expect(found.figures["curves cross at, TFLOP"]).toBe(null);
  });

  it("does not hold where one of the equivariant nets is better", () => {
    const found = verdict({ trivial: 2, regular: 0.8 });
    expect(found.verdict).toBe("does not hold");
    expect(found.figures["so3 / regular"]).toBeCloseTo(1.25, 2);
  });

  it("is not decided where the interval has 1 in it, and with other steps than the claim's", () => {
    expect(verdict({ trivial: 2, regular: 1.05 }, 0.1).verdict).toBe("not decided");
    const short = synthetic(efficiency, { ...three, steps: 500 }, () => losses(4));
    expect(efficiency.verdict(short).reason).toContain("500 steps");
  });

  it("tells where curves cross, losses at equal work, and what twirled predictions cost", () => {
    const outcome = synthetic(
      efficiency,
      three,
      (arm, seed, step) => losses(4, jitter(seed) * (arm === "so3" ? 10 / Math.sqrt(step + 1) : 10 / Math.sqrt(400))),
      () => ({ weights: 100, predictionFlops: 1e9, stepFlops: 1e9 }),
    );
    expect(efficiency.verdict(outcome).figures["curves cross at, TFLOP"]).toBeCloseTo(0.4, 9);
    const timings = { adapter: "one", seconds: { so3: { step: 0.1, prediction: 0.001 } } };
    const [budget, twirled] = efficiency.tables(outcome, timings);
    expect(budget!.rows[0]!.slice(0, 5)).toEqual(["so3", "100", "1.00", "1,000", "100"]);
    expect(budget!.rows[1]![4]).toBe("–");
    const so3 = twirled!.rows.filter(([arm]) => arm === "so3");
    expect(so3.map((row) => row[3])).toEqual(["1.00", "2.00", "4.00", "8.00", "24.0"]);
    // All 24 leave L_mean.
    expect(Number(so3.at(-1)![5]!.split(" ")[0])).toBeCloseTo((0.96 * 10) / Math.sqrt(1001), 2);
    expect(efficiency.charts(outcome, "voxel and channel")[0]!.curves[0]!.points[0]!.x).toBeCloseTo(0.1, 9);
  });
});

describe("scale", () => {
  const changed = (factor: number, by = 0.01) =>
    scale.verdict(
      synthetic(scale, three, (arm, seed) => losses(2 * (arm === "half width" ? factor * jitter(seed, by) : 1))),
    );

  it("holds within a factor of two, to both sides", () => {
    expect(changed(1.5).verdict).toBe("holds");
    expect(changed(0.6).verdict).toBe("holds");
  });

  it("does not hold beyond", () => {
    expect(changed(3).verdict).toBe("does not hold");
    expect(changed(0.3).verdict).toBe("does not hold");
  });

  it("is not decided across it", () => {
    expect(changed(2, 0.1).verdict).toBe("not decided");
  });
});

describe("twirling", () => {
  const gained = (of: (count: number) => number, by = 0.05) =>
    twirling.verdict(
      synthetic(twirling, three, (_, seed) =>
        Object.fromEntries(
          [2, 4, 8, 12, 24].flatMap((count) => [
            [`predicted${count}`, 3 * (1 - 1 / count)],
            [`gain${count}`, 3 * (1 - 1 / count) * of(count) * jitter(seed, by)],
          ]),
        ),
      ),
    );

  it("holds where the gains are those predicted", () => {
    const found = gained(() => 1);
    expect(found.verdict).toBe("holds");
    expect(found.figures["K = 24: measured / predicted"]).toBeCloseTo(1, 2);
  });

  it("does not hold where one of them is another", () => {
    expect(gained((count) => (count === 24 ? 0.5 : 1)).verdict).toBe("does not hold");
  });

  it("is not decided where the seeds differ too much, or a gain is a loss", () => {
    expect(gained(() => 1, 0.5).verdict).toBe("not decided");
    expect(gained(() => -1).verdict).toBe("not decided");
  });
});

describe("landscape", () => {
  const curved = (smooth: number, condition: number, by = 0.01) =>
    landscapeExperiment.verdict(
      synthetic(landscapeExperiment, three, (_, seed) => ({
        ...{ "lambdaMax.mean": 3, "condition.mean": 2, "lambdaMax.equiv": 3 * smooth * jitter(seed, by) },
        "condition.equiv": 2 * condition * jitter(seed, by),
      })),
    );

  it("holds where L_equiv is both smoother and better conditioned", () => {
    const found = curved(0.1, 0.5);
    expect(found.verdict).toBe("holds");
    expect(found.figures["lambda_max, L_equiv / L_mean"]).toBeCloseTo(0.1, 3);
  });

  it("does not hold where one of the two is the other way round", () => {
    expect(curved(0.1, 1.5).verdict).toBe("does not hold");
    expect(curved(2, 0.5).verdict).toBe("does not hold");
  });

  it("is not decided where an interval has 1 in it", () => {
    expect(curved(0.1, 1).verdict).toBe("not decided");
    expect(curved(0.9, 0.5, 0.2).verdict).toBe("not decided");
  });
});

describe("gradients", () => {
  const fading = (factor: number, by = 0.01) =>
    gradients.verdict(
      synthetic(gradients, three, (_, seed, step) => ({
        percentGradient: 20 * (step === 1000 ? factor * jitter(seed, by) : step === 100 ? 1 : 9),
      })),
    );

  it("holds where the share fades, does not where it grows, and else is not decided", () => {
    expect(fading(0.3).verdict).toBe("holds");
    expect(fading(0.3).figures["share of the gradient, last / step 100"]).toBeCloseTo(0.3, 3);
    expect(fading(2).verdict).toBe("does not hold");
    expect(fading(0.9, 0.2).verdict).toBe("not decided");
  });
});

describe("latents", () => {
  const unlike = (factor: number, by = 0.01) =>
    latents.verdict(
      synthetic(latents, three, (arm, seed) => ({
        unlike: 0.2 * (arm === "k3s2" ? factor * jitter(seed, by) : 1),
      })),
    );

  it("holds where k3s2 is more unlike by more than the least effect, and does not where it is not", () => {
    expect(unlike(2).verdict).toBe("holds");
    expect(unlike(1).verdict).toBe("does not hold");
    expect(unlike(0.5).verdict).toBe("does not hold");
    expect(unlike(1.6, 0.2).verdict).toBe("not decided");
  });
});

describe("latents of a net that downsamples nothing", () => {
  const flow = withTask(latents, "flow");
  const alike = (factor: number, by = 0.01) =>
    flow.verdict(
      synthetic(flow, three, (_, seed) => ({ unlike: 0.2 * factor * jitter(seed, by), unlikeInitial: 0.2 })),
    );

  it("hold where training makes features alike by more than the least effect, and do not where it does not", () => {
    expect(alike(0.5).verdict).toBe("holds");
    expect(alike(0.5).figures["1 - cos, trained / initial weights"]).toBeCloseTo(0.5, 3);
    expect(alike(0.8).verdict).toBe("does not hold");
    expect(alike(2).verdict).toBe("does not hold");
    expect(alike(0.66, 0.2).verdict).toBe("not decided");
  });
});

describe("groups", () => {
  /** The control's share over that of each group, 1 of the control itself; `other` is of one group. */
  const apart = (factor: number, other: readonly [name: string, factor: number] = ["", NaN], by = 0.01) =>
    groups.verdict(
      synthetic(groups, three, (_, seed) =>
        Object.fromEntries(
          ASKED.map(({ name }) => {
            if (!SYMMETRIES.some((one) => one.name === name)) return [`percent.${name}`, 40];
            return [`percent.${name}`, 40 / ((name === other[0] ? other[1] : factor) * jitter(seed, by))];
          }),
        ),
      ),
    );

  it("holds where the control's share is far above that of every group", () => {
    const found = apart(8);
    expect(found.verdict).toBe("holds");
    expect(found.figures["control / C4 about y"]).toBeCloseTo(8, 2);
    expect(found.figures["O_h / O"]).toBeCloseTo(1, 6);
    expect(found.reason).toContain("times that of translations");
  });

  it("does not hold where one group is hardly learned more than the control, whichever", () => {
    for (const { name } of SYMMETRIES) expect(apart(8, [name, 2]).verdict, name).toBe("does not hold");
    expect(apart(1).verdict).toBe("does not hold");
  });

  it("is not decided where seeds differ too much, or the control is not known", () => {
    expect(apart(8, ["fullOctahedral", 3]).verdict).toBe("not decided");
    expect(apart(4, ["", NaN], 0.3).verdict).toBe("not decided");
    const without = synthetic(groups, three, () =>
      Object.fromEntries(SYMMETRIES.map(({ name }) => [`percent.${name}`, 4])),
    );
    expect(groups.verdict(without).verdict).toBe("not decided");
  });
});

describe.each(experiments.map((experiment) => [experiment.name, experiment] as const))("%s", (_, experiment) => {
  const nothing = (of: Experiment, given: typeof three) => of.verdict(synthetic(of, given, () => ({})));

  it("is not decided with two seeds, with too few steps, or without figures", () => {
    expect(nothing(experiment, { ...three, seeds: 2 })).toMatchObject({
      verdict: "not decided",
      reason: "There are 2 seeds; it takes 3.",
    });
    const short = nothing(experiment, { ...three, steps: 900 });
    expect(short.verdict).toBe("not decided");
    expect(short.reason).toMatch(/^The runs have 900 steps; the claim speaks of 1,000/);
    expect(nothing(experiment, three).verdict).toBe("not decided");
  });

  it("runs long enough by default for a verdict, with arms of different names", () => {
    expect(experiment.steps).toBeGreaterThanOrEqual(1000);
    expect(experiment.seeds).toBeGreaterThanOrEqual(3);
    expect(new Set(experiment.arms.map(({ name }) => name)).size).toBe(experiment.arms.length);
  });
});

describe("experiments with other tasks", () => {
  it("are those that say so, with the same question and claim, in folders of their own", () => {
    const names = experiments.filter((one) => tasksOf(one).includes("forces")).map(({ name }) => name);
    expect(names).toEqual(["dip", "ablation", "twirling", "landscape", "gradients", "scale"]);
    for (const experiment of experiments.filter(({ name }) => names.includes(name))) {
      const { question, claim, name } = experiment;
      expect(withTask(experiment, "forces")).toMatchObject({ question, claim, name, preset: "forces-tiny" });
      expect(withTask(experiment, "voxels")).toBe(experiment);
    }
    expect([folderOf("dip", "voxels"), folderOf("dip", "forces")]).toEqual(["dip", "dip-forces"]);
    const flows = experiments.filter((one) => tasksOf(one).includes("flow")).map(({ name }) => name);
    expect(flows).toEqual(["dip", "ablation", "landscape", "gradients", "latents"]);
    for (const one of experiments.filter(({ name }) => flows.includes(name))) {
      expect(withTask(one, "flow")).toMatchObject({ name: one.name, preset: "flow-tiny", steps: 1000 });
    }
    expect(new Set(experimentFolders).size).toBe(experiments.length + names.length + flows.length);
  });

  it("are refused where they make no sense, with those that there are", () => {
    expect(() => withTask(latents, "forces")).toThrow(
      expect.objectContaining({
        code: "bad-option",
        message: "the experiment latents is not for the task forces",
        fix: "With forces there are: dip, ablation, twirling, landscape, gradients, scale.",
      }),
    );
  });

  it("judge the gradients of force fields from where these have left the plateau", () => {
    const forces = withTask(gradients, "forces");
    const found = (steps: number) =>
      forces.verdict(
        synthetic(forces, { steps, every: 500, seeds: 3 }, (_, seed, step) => {
          return { percentGradient: (step === 1500 ? 20 : step < 1500 ? 1 : 10) * jitter(seed) };
        }),
      );
    expect(found(3000).verdict).toBe("holds");
    expect(found(1500).verdict).toBe("not decided");
    expect(forces.rule.replace("step 1,500", "step 100").replace("2,000 steps", "1,000 steps")).toBe(gradients.rule);
  });
});
