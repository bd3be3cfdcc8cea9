import { expect, test } from "vitest";
import { Graph } from "../../src/graph/graph.ts";
import { rooflineCopy } from "../../src/kernels/rooflineCopy.ts";
import { rooflineFma, rooflineFmaSum } from "../../src/kernels/rooflineFma.ts";
import { randomArray, runKernels, testGpu } from "../harness.ts";

/** Chain by chain and step by step, in float64. */
function chains(lane: number, rounds: number, multiplier: number, addend: number): number {
  let sum = 0;
  for (let chain = 0; chain < 8; chain++) {
    let a = lane + chain;
    for (let step = 0; step < 16 * rounds; step++) a = a * multiplier + addend;
    sum += a;
  }
  return sum;
}

async function fma(multiplier: number, addend: number, rounds: number, threads: number) {
  const factors = { shape: [2], data: new Float32Array([multiplier, addend]) };
  const { sums } = await runKernels(await testGpu(), { factors }, { sums: { shape: [threads] } }, (ctx, t) => {
    rooflineFma(ctx, { label: "fma", factors: t.factors, sums: t.sums, rounds });
  });
  return sums as Float32Array;
}

test("with factors of one each chain counts its steps exactly, so none was dropped", async () => {
  for (const rounds of [1, 7, 512]) {
    const sums = await fma(1, 1, rounds, 256);
    sums.forEach((sum, thread) => {
      expect(sum).toBe(chains(thread % 64, rounds, 1, 1));
      expect(sum).toBe(rooflineFmaSum(thread, rounds));
    });
  }
});

test("other factors give what they must", async () => {
  const sums = await fma(0.75, 3, 2, 64);
  sums.forEach((sum, lane) => expect(Math.abs(sum / chains(lane, 2, 0.75, 3) - 1)).toBeLessThan(1e-5));
});

test("costs are those of a count by hand", async () => {
  const gpu = await testGpu();
  const graph = new Graph(gpu.caps);
  const buffer = gpu.upload("both", new Float32Array(4096));
  const factors = graph.external("factors", [2], { ...buffer, size: 8 });
  // 128 threads, 8 chains of 3 * 16 steps of two operations, and 7 additions at the end.
  rooflineFma(graph, { label: "fma", factors, sums: graph.scratch("sums", [128]), rounds: 3 });
  rooflineCopy(graph, { label: "copy", x: graph.scratch("x", [1000]), y: graph.scratch("y", [1000]) });
  const [first, second] = graph.commands.map((c) => (c.kind === "dispatch" ? c.dispatch : undefined));
  expect(first!.flops).toBe(128 * (8 * 48 * 2 + 7));
  expect(first!.bytes).toBe(8 + 512);
  expect(first!.workgroups).toEqual([2, 1, 1]);
  expect(second!.flops).toBe(0);
  expect(second!.bytes).toBe(8000);
});

test("the copy copies, within its bounds", async () => {
  for (const count of [4, 4096, 16388]) {
    const x = randomArray(count, 3);
    const { y } = await runKernels(
      await testGpu(),
      { x: { shape: [count], data: x } },
      { y: { shape: [count] } },
      (ctx, t) => {
        rooflineCopy(ctx, { label: "copy", x: t.x, y: t.y });
      },
    );
    expect(y).toEqual(x);
  }
});

test("counts that the shaders cannot do are refused", async () => {
  await expect(fma(1, 1, 1, 100)).rejects.toThrow(/power of two/);
  const graph = new Graph((await testGpu()).caps);
  expect(() => rooflineCopy(graph, { label: "copy", x: graph.scratch("x", [6]), y: graph.scratch("y", [6]) })).toThrow(
    /divide by 4/,
  );
});
