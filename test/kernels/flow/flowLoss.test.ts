import { expect, it } from "vitest";
import { flowLoss } from "../../../src/kernels/flow/flowLoss.ts";
import { randomArray, runKernels, testGpu } from "../../harness.ts";

async function run(scaling?: Float32Array) {
  const shape = [2, 30, 3];
  return runKernels(
    await testGpu(),
    {
      x: { shape, data: randomArray(180, 1) },
      targets: { shape, data: randomArray(180, 2) },
      residues: { shape: [2, 30], data: Float32Array.from({ length: 60 }, (_, at) => (at % 30 < 20 ? 1 : 0)) },
      times: { shape: [2], data: Float32Array.of(0.25, 0.75) },
      ...(scaling && { scaling: { shape: [scaling.length], data: scaling } }),
    },
    { gradX: { shape }, losses: { shape: [2] }, loss: { shape: [1], init: Float32Array.of(0.5) } },
    (ctx, t) => flowLoss(ctx, { label: "loss", ...t, scale: 0.5 }),
  );
}

it("the scale of half precision multiplies gradients and nothing else", async () => {
  const plain = await run();
  const scaled = await run(Float32Array.of(256, 1, 2, 3, 4, 5));
  expect(scaled.gradX).toEqual(plain.gradX.map((g) => 256 * g));
  expect(scaled.losses).toEqual(plain.losses);
  expect(scaled.loss).toEqual(plain.loss);
  expect(Math.max(...plain.gradX)).toBeGreaterThan(0);
  await expect(run(new Float32Array(5))).rejects.toThrow(/'scaling' must have shape \[6\]/);
});
