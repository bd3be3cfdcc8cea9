import { expect, test } from "vitest";
import { measureRoofline, rooflineSeconds, rooflineShare } from "../../src/graph/roofline.ts";
import { testGpu } from "../harness.ts";

test("both ceilings are measured, and all memory is given back", async () => {
  const gpu = await testGpu();
  const before = gpu.allocatedBytes;
  const { gbPerSecond, gflops } = await measureRoofline(gpu);
  expect(gbPerSecond).toBeGreaterThan(0);
  expect(gflops).toBeGreaterThan(0);
  expect(Number.isFinite(gbPerSecond * gflops)).toBe(true);
  expect(gpu.allocatedBytes).toBe(before);
});

test("the roofline's time is the longer of arithmetic and traffic", () => {
  const roofline = { gbPerSecond: 10, gflops: 100 };
  // 2e9 operations take 20 ms, 1e8 bytes 10 ms.
  expect(rooflineSeconds(roofline, { flops: 2e9, bytes: 1e8 })).toBeCloseTo(0.02, 12);
  expect(rooflineSeconds(roofline, { flops: 2e9, bytes: 5e8 })).toBeCloseTo(0.05, 12);
  expect(rooflineShare(roofline, { flops: 2e9, bytes: 1e8, seconds: 0.08 })).toBeCloseTo(0.25, 12);
  expect(rooflineShare(roofline, { flops: 0, bytes: 1e8, seconds: 0.01 })).toBeCloseTo(1, 12);
});
