import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { KernelCall } from "../../src/gpu/dispatch.ts";
import { groupNormVariants } from "../../src/kernels/groupNorm/groupNormVariants.ts";
import { choose } from "../../src/kernels/kernel.ts";
import type { Difference, Trial } from "../../src/tuning/trial.ts";
import { choiceOf, countCalls, tuneCalls, type CountedCall, type TuneResult } from "../../src/tuning/tune.ts";

const caps: GpuCaps = {
  adapterClass: "discrete",
  subgroups: true,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  maxWorkgroupInvocations: 256,
  maxBindingBytes: 2 ** 30,
  f16: true,
  subgroupMatrices: [],
};
const callOf = (voxels: number): KernelCall =>
  choose(caps, groupNormVariants, { samples: 1, voxels, channels: 32768, groups: 2, silu: 0 }, "f32").call;
const counted = (voxels: number, count = 1): CountedCall => ({ call: callOf(voxels), count });
const right: Difference = { error: 1e-7, allowed: 1e-6 };

/** A trial without a GPU: "runs of 64" takes 64 ms, unless told otherwise. */
function fake(
  changes: {
    times?: Record<string, number>;
    checks?: Record<string, Difference | VoxtwirlError>;
    onTime?: (name: string) => void;
  } = {},
) {
  const log = { checked: [] as string[], timed: new Set<string>(), dropped: [] as string[], destroyed: 0 };
  const trial: Trial = {
    check: async (name) => {
      log.checked.push(name);
      const result = changes.checks?.[name] ?? right;
      if (result instanceof VoxtwirlError) throw result;
      return result;
    },
    time: async (name) => {
      changes.onTime?.(name);
      log.timed.add(name);
      return changes.times?.[name] ?? Number(name.replace("runs of ", ""));
    },
    drop: (name) => void log.dropped.push(name),
    destroy: () => {
      log.destroyed++;
    },
  };
  return { trial, log };
}

describe("tuneCalls", () => {
  it("checks every variant against the table's, times those that are right, and takes the fastest", async () => {
    const { trial, log } = fake();
    const { results, left, stopped } = await tuneCalls(caps, async () => trial, { calls: [counted(100, 3)] });
    expect({ left, stopped }).toEqual({ left: 0, stopped: false });
    expect(results).toEqual([
      {
        call: callOf(100),
        count: 3,
        variants: 6,
        wrong: [],
        refused: [],
        outcome: "faster",
        best: "runs of 8",
        bestMs: 8,
        fallbackMs: 16,
      },
    ]);
    expect(log.checked[0]).toBe("runs of 16");
    expect([...log.timed].sort()).toEqual([...new Set(log.checked)].sort());
    expect(log.destroyed).toBe(2);
    expect(choiceOf(results[0]!)).toEqual({ variant: "runs of 8", ms: 8, fallback: "runs of 16", fallbackMs: 16 });
  });

  it("never chooses a variant that is wrong or gives no number, however fast, and says so", async () => {
    const off = { error: 0.5, allowed: 1e-6 };
    const none = { error: NaN, allowed: 0 };
    const { trial, log } = fake({ checks: { "runs of 8": off, "runs of 32": none }, times: { "runs of 32": 1 } });
    const { results } = await tuneCalls(caps, async () => trial, { calls: [counted(100)] });
    expect(results[0]).toMatchObject({ outcome: "kept", best: "runs of 16" });
    expect(results[0]!.wrong).toEqual([
      { variant: "runs of 8", ...off },
      { variant: "runs of 32", ...none },
    ]);
    expect(log.timed.has("runs of 8") || log.timed.has("runs of 32")).toBe(false);
    expect(log.dropped).toEqual(expect.arrayContaining(["runs of 8", "runs of 32"]));
    expect(choiceOf(results[0]!)).toBeUndefined();
  });

  it("takes a variant only where it is ahead again, timed against the table's alone on a second device", async () => {
    const rerun = async (second: Record<string, number>) => {
      const repeats = fake({ times: second });
      const open = async (_: KernelCall, repeated: boolean) => (repeated ? repeats.trial : fake().trial);
      const { results } = await tuneCalls(caps, open, { calls: [counted(100)] });
      expect(repeats.log.checked).toEqual(["runs of 16", "runs of 8"]);
      expect(repeats.log.destroyed).toBe(1);
      return results[0]!;
    };
    expect(await rerun({ "runs of 8": 10, "runs of 16": 20 })).toMatchObject({
      outcome: "faster",
      bestMs: 9,
      fallbackMs: 18,
    });
    for (const ms of [15.9, 16, 17, 100]) {
      const result = await rerun({ "runs of 8": ms });
      expect(result).toMatchObject({ outcome: "unsure", best: "runs of 8", bestMs: 8, fallbackMs: 16 });
      expect(choiceOf(result)).toBeUndefined();
    }
  });

  it("does not take a variant that is wrong on the second device", async () => {
    const off = { error: 1, allowed: 1e-6 };
    const open = async (_: KernelCall, repeated: boolean) =>
      fake(repeated ? { checks: { "runs of 8": off } } : {}).trial;
    const { results } = await tuneCalls(caps, open, { calls: [counted(100)] });
    expect(results[0]).toMatchObject({ outcome: "unsure", wrong: [{ variant: "runs of 8", ...off }] });
  });

  it("goes on without a variant that does not compile here", async () => {
    const refusal = new VoxtwirlError("shader-compile", "too many registers\nline 1", "Another.");
    const { trial } = fake({ checks: { "runs of 8": refusal } });
    const { results } = await tuneCalls(caps, async () => trial, { calls: [counted(100)] });
    expect(results[0]).toMatchObject({
      outcome: "kept",
      refused: [{ variant: "runs of 8", why: "too many registers" }],
    });
  });

  it("chooses nothing where the table's own variant gives no numbers, and goes on to the next call", async () => {
    const { trial, log } = fake({ checks: { "runs of 16": { error: NaN, allowed: 0 } } });
    const trials = [trial, fake().trial, fake().trial];
    const { results } = await tuneCalls(caps, async () => trials.shift()!, { calls: [counted(100), counted(200)] });
    expect(results.map(({ outcome }) => outcome)).toEqual(["failed", "faster"]);
    expect([...log.timed]).toEqual([]);
    expect(choiceOf(results[0]!)).toBeUndefined();
  });

  it("leaves out a call that does not fit, with the reason", async () => {
    const open = async (call: KernelCall) => {
      if (call.key === callOf(100).key) throw new VoxtwirlError("out-of-memory", "9 GiB are needed", "Less.");
      return fake().trial;
    };
    const { results } = await tuneCalls(caps, open, { calls: [counted(100), counted(200)] });
    expect(results[0]).toMatchObject({
      outcome: "failed",
      refused: [{ variant: "runs of 16", why: "9 GiB are needed" }],
    });
    expect(results[1]).toMatchObject({ outcome: "faster" });
  });

  it("does not go on after the device was lost", async () => {
    const lost = new VoxtwirlError("device-lost", "gone", "Open it again.");
    const { trial, log } = fake({ checks: { "runs of 8": lost } });
    await expect(tuneCalls(caps, async () => trial, { calls: [counted(100)] })).rejects.toBe(lost);
    expect(log.destroyed).toBe(1);
  });

  it("stops within a call, keeps what was found before, and frees its buffers", async () => {
    const controller = new AbortController();
    const kept: TuneResult[] = [];
    const second = fake({ onTime: () => controller.abort() });
    const trials = [fake().trial, fake().trial, second.trial];
    const { results, left, stopped } = await tuneCalls(caps, async () => trials.shift()!, {
      calls: [counted(100), counted(200), counted(300)],
      signal: controller.signal,
      onResult: (result) => void kept.push(result),
    });
    expect({ left, stopped }).toEqual({ left: 2, stopped: true });
    expect(results.map(({ call }) => call.key)).toEqual([callOf(100).key]);
    expect(kept).toEqual(results);
    expect(second.log).toMatchObject({ destroyed: 1, timed: new Set(["runs of 16"]) });
  });

  it("begins no other call once the seconds are over", async () => {
    const late = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return fake().trial;
    };
    const calls = [counted(100), counted(200), counted(300)];
    const { results, left, stopped } = await tuneCalls(caps, late, { calls, seconds: 0.02 });
    expect({ results: results.length, left, stopped }).toEqual({ results: 1, left: 2, stopped: false });
  });

  it("says what it is at", async () => {
    const said: string[] = [];
    await tuneCalls(caps, async () => fake().trial, { calls: [counted(100)], onProgress: (text) => said.push(text) });
    expect(said[0]).toBe(`1 of 1, ${callOf(100).key}: making its tensors`);
    for (const place of ["runs of 8, result", "runs of 16, first look", "runs of 8, round 2"]) {
      expect(said).toContain(`1 of 1, ${callOf(100).key}: ${place}`);
    }
  });
});

describe("countCalls", () => {
  it("counts calls of the same key over plans, and puts those first that take longest in all", () => {
    const [a, b, c] = [callOf(100), callOf(200), callOf(300)];
    const step = {
      plan: {
        calls: new Map([
          [0, a],
          [2, b],
          [3, a],
        ]),
      },
      durationsMs: [1, 50, 5, 1.5],
    };
    const evaluation = {
      plan: {
        calls: new Map([
          [1, c],
          [2, a],
        ]),
      },
      durationsMs: [50, 4, 1],
    };
    expect(countCalls([step, evaluation])).toEqual([
      { call: b, count: 1, ms: 5 },
      { call: c, count: 1, ms: 4 },
      { call: a, count: 3, ms: 3.5 },
    ]);
    expect(countCalls([{ plan: step.plan }])).toEqual([
      { call: a, count: 2 },
      { call: b, count: 1 },
    ]);
  });
});
