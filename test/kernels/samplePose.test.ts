import { describe, expect, it } from "vitest";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { samplePose, type SamplePoseArgs } from "../../src/kernels/samplePose.ts";
import { expectClose, runKernels, testGpu } from "../harness.ts";
import type { RandomStep } from "../../src/reference/noise.ts";
import { samplePose as twin } from "../../src/reference/samplePose.ts";
import { stepData } from "./stepData.ts";

const STEP: RandomStep = { seedLo: 11, seedHi: 22, step: 3, sample: 100 };

async function draw(samples: number, rotate: SamplePoseArgs["rotate"], at = STEP, shift = 0.5, stream = 1) {
  const { poses } = await runKernels(
    await testGpu(),
    { step: stepData(at) },
    { poses: { shape: [samples, 12] } },
    (ctx, t) => samplePose(ctx, { label: "pose", poses: t.poses, step: t.step, shift, rotate, stream }),
  );
  return poses as Float32Array;
}

const rows = (poses: Float32Array) =>
  Array.from({ length: poses.length / 12 }, (_, n) => Array.from(poses.subarray(12 * n, 12 * n + 12)));

describe("samplePose", () => {
  it.each(["so3", "octahedral", "none"] as const)("%s is its twin and repeats bitwise", async (rotate) => {
    for (const samples of [1, 3, 150]) {
      const poses = await draw(samples, rotate);
      expectClose(poses, twin(samples, { shift: 0.5, rotate, stream: 1 }, STEP), 2e-6);
      expect(await draw(samples, rotate)).toEqual(poses);
    }
  });

  it("depends on the sample's number, not its place in the batch, and shifts alike whatever the rotation", async () => {
    const whole = await draw(10, "so3");
    expect(await draw(4, "so3", { ...STEP, sample: STEP.sample + 6 })).toEqual(whole.slice(72));
    const plain = rows(await draw(10, "none")).map((row) => row.slice(9));
    expect(rows(whole).map((row) => row.slice(9))).toEqual(plain);
  });

  it("so3 draws proper rotations with the Haar moments E[R_ij^2] = 1/3, E[R_ij] = 0", async () => {
    const samples = rows(await draw(20_000, "so3"));
    for (const r of samples.slice(0, 200)) {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const product = r[3 * i]! * r[3 * j]! + r[3 * i + 1]! * r[3 * j + 1]! + r[3 * i + 2]! * r[3 * j + 2]!;
          expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-6);
        }
      }
      const [a, b, c, d, e, f, g, h, k] = r as [number, number, number, number, number, number, number, number, number];
      expect(Math.abs(a * (e * k - f * h) - b * (d * k - f * g) + c * (d * h - e * g) - 1)).toBeLessThan(1e-6);
    }
    const n = samples.length;
    for (let at = 0; at < 9; at++) {
      const square = samples.reduce((sum, r) => sum + r[at]! ** 2, 0) / n;
      const mean = samples.reduce((sum, r) => sum + r[at]!, 0) / n;
      // An entry is uniform on (-1, 1), so its square has variance 4/45.
      expect(Math.abs(square - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / n));
      expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1 / 3 / n));
    }
    // The angle's density is (1 - cos)/pi: its trace 1 + 2 cos has mean 0 and variance 1.
    const trace = samples.reduce((sum, r) => sum + r[0]! + r[4]! + r[8]!, 0) / n;
    expect(Math.abs(trace)).toBeLessThan(4 / Math.sqrt(n));
  });

  it("octahedral draws all 24 equally often", async () => {
    const counts = new Map(octahedralMatrices.map((matrix) => [matrix.join(), 0]));
    for (const r of rows(await draw(12_000, "octahedral"))) {
      const key = r.slice(0, 9).join();
      expect(counts.has(key)).toBe(true);
      counts.set(key, counts.get(key)! + 1);
    }
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 500) ** 2 / 500, 0);
    expect(chiSquared).toBeLessThan(23 + 4 * Math.sqrt(46));
  });

  it("shifts are uniform within the bound", async () => {
    const shifts = rows(await draw(9_000, "none", STEP, 0.25)).flatMap((row) => row.slice(9));
    expect(shifts.every((s) => Math.abs(s) < 0.25)).toBe(true);
    const square = shifts.reduce((sum, s) => sum + s * s, 0) / shifts.length;
    expect(Math.abs(square / 0.0625 - 1 / 3)).toBeLessThan(4 * Math.sqrt(4 / 45 / shifts.length));
    expect(rows(await draw(2, "none", STEP, 0)).every((row) => row.join() === "1,0,0,0,1,0,0,0,1,0,0,0")).toBe(true);
  });
});
