import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeHalf } from "../../src/gpu/half.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import type { EvalRow } from "../../src/training/metrics.ts";
import { decodeSafetensors, encodeSafetensors, type SafeDType } from "../../src/formats/safetensors.ts";
import { needsStored } from "../kernels/half.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { LOSSES, measure, useTrainedRun } from "./measuring.ts";
import { metricRows } from "./smallRun.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure-model");
const file = (name: string) => join(folder, name);
const { run, model } = useTrainedRun(command, folder);
const measured = (...args: string[]) => measure(command, args);

describe("voxtwirl measure --model", () => {
  it("finds on the held-out molecules what the run's last evaluation found", async () => {
    const found = await measured("--model", run, "--data", "builtin");
    const last = metricRows(run).at(-1) as EvalRow;
    expect(last.type).toBe("eval");
    for (const name of LOSSES) {
      expect(Math.abs(found[name] / last[name] - 1), name).toBeLessThan(1e-4);
    }
    expect(found).toMatchObject({
      type: "measure",
      group: "octahedral",
      step: 2,
      heldoutOnly: true,
      samples: 6,
      candidates: 6,
      rotations: 24,
      seed: 4,
    });
    expect(found.lossTotalStdErr).toBeGreaterThan(0);
    expect(found.gains.map(({ count }) => count)).toEqual([1, 2, 4, 8, 12, 24]);
  });

  describe("in half precision", () => {
    needsStored("f16");

    it("finds nearly the same, and says in what it computed", async () => {
      const args = ["--model", run, "--data", "builtin"];
      const [single, half] = [await measured(...args), await measured(...args, "--precision", "f16")];
      expect([single.precision, half.precision]).toEqual(["f32", "f16"]);
      expect(half.lossTotal).not.toBe(single.lossTotal);
      for (const name of ["lossTotal", "lossMean", "lossEquiv"] as const) {
        expect(Math.abs(half[name] / single[name] - 1), name).toBeLessThan(5e-3);
      }
      const poses = await measured(...args, "--precision", "f16", "--group", "so3", "--twirl", "2", "--limit", "2");
      expect(poses).toMatchObject({ precision: "f16", group: "so3" });
      const { code, stdout } = await command.run(["measure", ...args, "--precision", "f16", "--limit", "2"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/, step 2, in f16$/m);
    });

    it("is as the model was trained, by default", async () => {
      const { tensors, metadata } = decodeSafetensors(readFileSync(model));
      const config = JSON.parse(metadata.config!) as RunConfig;
      const changed = { ...config, training: { ...config.training, precision: "f16" } };
      const path = file("half.safetensors");
      writeFileSync(path, encodeSafetensors([...tensors.values()], { ...metadata, config: JSON.stringify(changed) }));
      const args = ["--model", path, "--data", "builtin", "--limit", "2"];
      expect((await measured(...args)).precision).toBe("f16");
      expect((await measured(...args, "--precision", "f32")).precision).toBe("f32");
    });
  });

  it("loads weights that were converted to F16, BF16 or F64", async () => {
    const { tensors, metadata } = decodeSafetensors(readFileSync(model));
    const bitsOf = (values: Float32Array) => new Uint32Array(values.slice().buffer);
    const converted = {
      F16: (values: Float32Array) => encodeHalf(values).subarray(0, values.length),
      BF16: (values: Float32Array) => Uint16Array.from(bitsOf(values), (bits) => bits >>> 16),
      F64: (values: Float32Array) => Float64Array.from(values),
    };
    const args = ["--data", "builtin", "--limit", "2", "--twirl", "2"];
    const { lossTotal } = await measured("--model", model, ...args);
    for (const [dtype, convert] of Object.entries(converted)) {
      const all = [...tensors.values()].map((tensor) => ({
        ...tensor,
        dtype: dtype as SafeDType,
        data: convert(tensor.data as Float32Array),
      }));
      writeFileSync(file("converted.safetensors"), encodeSafetensors(all, metadata));
      const found = await measured("--model", file("converted.safetensors"), ...args);
      if (dtype === "F64") expect(found.lossTotal).toBe(lossTotal);
      else expect(Math.abs(found.lossTotal / lossTotal - 1), dtype).toBeLessThan(dtype === "F16" ? 5e-3 : 5e-2);
    }
  });

  it("warns while the loss is above that of predicting zero", async () => {
    const { tensors, metadata } = decodeSafetensors(readFileSync(model));
    const scaled = (factor: number) =>
      encodeSafetensors(
        [...tensors.values()].map((t) => {
          const data = t.data as Float32Array;
          return t.name.startsWith("final.") ? { ...t, data: data.map((value) => value * factor) } : t;
        }),
        metadata,
      );
    writeFileSync(file("zero.safetensors"), scaled(0));
    writeFileSync(file("loud.safetensors"), scaled(100));
    const args = ["--data", "builtin", "--limit", "2", "--twirl", "2"];
    const zero = await measured("--model", file("zero.safetensors"), ...args);
    expect(zero.lossTotal).toBe(zero.lossZero);
    expect(zero.remarks).toEqual([]);
    const loud = await command.run(["measure", "--model", file("loud.safetensors"), ...args]);
    expect(loud.stdout).toMatch(/^Warning: lossTotal is above lossZero, .*not learned yet/m);
    const poses = await measured("--model", file("loud.safetensors"), ...args, "--group", "so3");
    expect(poses.remarks).toEqual([expect.stringMatching(/lossTotalPose is above lossZeroPose/)]);
  });

  it("takes a file, fewer molecules and rotations, and another seed", async () => {
    const args = ["--model", model, "--data", "builtin", "--limit", "4", "--twirl", "5"];
    const first = await measured(...args);
    expect(first).toMatchObject({ samples: 4, candidates: 6, rotations: 5, seed: 4 });
    expect(first.gains.map(({ count }) => count)).toEqual([1, 2, 4]);
    expect((await measured(...args, "--seed", "5")).lossTotal).not.toBe(first.lossTotal);
  });

  it("measures other losses, from the same predictions", async () => {
    const args = ["--model", model, "--data", "builtin", "--limit", "4"];
    const squared = await measured(...args);
    const half = await measured(...args, "--loss", "huber", "--delta", "100");
    expect(half).toMatchObject({ loss: "huber", split: "gap", delta: 100, formatVersion: 1 });
    for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero"] as const) {
      expect(2 * half[name]).toBeCloseTo(squared[name], 10);
    }
    const { stdout } = await command.run(["measure", ...args, "--loss", "absolute"]);
    expect(stdout).toMatch(/^Loss: absolute\. No exact split/m);
  });

  it("says which molecules it used", async () => {
    const own = await command.run(["measure", "--model", run, "--data", "builtin", "--twirl", "2"]);
    expect(own.stdout).toMatch(/6 of 6 held-out molecules of builtin, 2 rotations each/);
    expect(own.stdout).toMatch(/only its held-out part/);
    expect(own.stdout).toMatch(/^ +percentEquiv +\d.* ± .* %/m);
    expect(own.stdout).toMatch(/^ +2 +-?\d.* ± .* % +\d.* ± .* %$/m);
    const ammonia = (shift: number) => `4\n\nN 0 0 ${shift}\nH 0.9 0 0\nH -0.5 0.8 0\nH -0.5 -0.8 0\n`;
    writeFileSync(file("other.xyz"), `${ammonia(0.1)}${ammonia(0.2)}1\n\nAu 0 0 0\n`);
    const other = await command.run(["measure", "--model", run, "--data", file("other.xyz"), "--twirl", "2"]);
    expect(other.stdout).toMatch(/2 of 2 molecules of .*other\.xyz/);
    expect(other.stdout).toMatch(/another file/);
    expect(other.stdout).toMatch(/1 molecules left out/);
  });

  it("measures the pose under all rotations by other names", async () => {
    const args = ["--model", run, "--data", "builtin", "--group", "so3", "--twirl", "4", "--limit", "5"];
    const found = await measured(...args);
    expect(found).toMatchObject({ group: "so3", rotations: 4, noises: 2, samples: 5 });
    expect(found.gains.map(({ count }) => count)).toEqual([1, 2, 4]);
    const [one, two, four] = found.gains;
    expect(one).toMatchObject({ percentGainPose: 0, percentPredictedPose: 0, percentGainNoisyPose: 0 });
    expect(four!.percentPredictedPose / two!.percentPredictedPose).toBeCloseTo(3 / 2, 8);
    expect(four!.percentGainNoisyPose).toBeGreaterThan(0);
    expect(four).not.toHaveProperty("percentGain");
    expect(found).not.toHaveProperty("percentEquiv");
    expect(found.percentPose).toBeCloseTo((100 * found.lossPose) / found.lossTotalPose, 8);
    expect(found.lossPoseFloor).toBeGreaterThan(0);
    expect(found.percentPoseInterval).toEqual([expect.any(Number), expect.any(Number)]);
    const { stdout } = await command.run(["measure", ...args, "--interpolation", "trilinear"]);
    expect(stdout).toMatch(/rotated back by trilinear/);
    expect(stdout).toMatch(/^ +percentPose +.* ± .* %/m);
    expect(stdout).toMatch(/^ +percentPoseFloor/m);
    expect(stdout).toMatch(
      /averaging over K poses, on 2 samples, and as predicted from the other 3:\n +K +gain +predicted +with noise\n/,
    );
    expect(stdout).toMatch(/^ +4( +-?\d.* ± .* %){3}$/m);
    expect(stdout).toMatch(/fresh noise/);
    expect(stdout).not.toMatch(/percentEquiv/);
  });
});
