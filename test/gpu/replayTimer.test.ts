import { expect, test } from "vitest";
import { Graph } from "../../src/graph/graph.ts";
import { Plan } from "../../src/graph/plan.ts";
import { ReplayTimer } from "../../src/gpu/replayTimer.ts";
import { add } from "../../src/kernels/add.ts";
import { testGpu } from "../harness.ts";

const COUNT = 1 << 16;

/** A chain of sums with a clear in its middle, which ends a compute pass: [0] + 1 + 1 + 1 + 1. */
async function chain() {
  const gpu = await testGpu();
  const graph = new Graph(gpu.caps);
  const ones = graph.external("ones", [COUNT], gpu.upload("ones", new Float32Array(COUNT).fill(1)));
  let sum = graph.scratch("zero", [COUNT]);
  graph.clear(sum);
  for (let i = 0; i < 4; i++) {
    const y = graph.scratch(`sum ${i}`, [COUNT]);
    add(graph, { label: `add ${i}`, a: sum, b: ones, y });
    if (i === 1) graph.clear(graph.scratch("apart", [4]));
    sum = y;
  }
  return { gpu, sum: graph.keep(sum), plan: await Plan.create(gpu, graph, { label: "chain" }) };
}

test("each dispatch has a span, in order, and the results are those of an untimed run", async () => {
  const { gpu, plan, sum } = await chain();
  const timer = new ReplayTimer(gpu, "each", plan.dispatchCount);
  for (let repeat = 0; repeat < 2; repeat++) {
    plan.runTimed(timer);
    const spans = await timer.read();
    expect(spans).toHaveLength(4);
    for (const [i, { begin, end }] of spans.entries()) {
      expect(end).toBeGreaterThan(begin);
      if (i > 0) expect(begin).toBeGreaterThanOrEqual(spans[i - 1]!.end);
    }
  }
  expect((await plan.read(sum))[0]!.every((value) => value === 4)).toBe(true);
  timer.destroy();
  plan.destroy();
});

test("the whole replay is one span, though clears divide its passes", async () => {
  const { gpu, plan } = await chain();
  const each = new ReplayTimer(gpu, "each", plan.dispatchCount);
  const whole = new ReplayTimer(gpu, "whole");
  plan.runTimed(each);
  const dispatches = (await each.read()).map(({ begin, end }) => end - begin);
  plan.runTimed(whole);
  const [span] = await whole.read();
  expect(span!.begin).toBe(0);
  expect(span!.end).toBeGreaterThan(Math.min(...dispatches));
  each.destroy();
  whole.destroy();
  plan.destroy();
});

test("more dispatches than a query set holds have spans too, in order", async () => {
  const gpu = await testGpu();
  const graph = new Graph(gpu.caps);
  const ones = graph.external("ones", [4], gpu.upload("ones", new Float32Array(4).fill(1)));
  let sum = graph.scratch("zero", [4]);
  graph.clear(sum);
  const count = 2100;
  for (let i = 0; i < count; i++) {
    const y = graph.scratch("sum", [4]);
    add(graph, { label: "add", a: sum, b: ones, y });
    sum = y;
  }
  graph.keep(sum);
  const plan = await Plan.create(gpu, graph, { label: "long" });
  const timer = new ReplayTimer(gpu, "each", plan.dispatchCount);
  plan.runTimed(timer);
  const spans = await timer.read();
  expect(spans).toHaveLength(count);
  expect(timer.origin).toBeGreaterThan(0n);
  for (const [i, { begin, end }] of spans.entries()) {
    expect(end).toBeGreaterThan(begin);
    if (i > 0) expect(begin).toBeGreaterThanOrEqual(spans[i - 1]!.end);
  }
  expect((await plan.read(sum))[0]![0]).toBe(count);
  timer.destroy();
  plan.destroy();
});
