import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { drawOctahedral } from "../../src/equivariance/rotations.ts";
import { decompose } from "../../src/equivariance/tally.ts";
import { Random } from "../../src/random.ts";
import { encodeHalf } from "../../src/gpu/half.ts";
import type { RunConfig } from "../../src/training/config.ts";
import { decodeSafetensors, encodeSafetensors, type SafeData, type SafeDType } from "../../src/training/safetensors.ts";
import { randomArray } from "../harness.ts";
import { needsStored } from "../kernels/half.ts";
import { npyBytes, npyHeader } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { SMALL_STEPS } from "./smallRun.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure");

const file = (name: string) => join(folder, name);
const run = file("run");
const model = join(run, "model.safetensors");

const LOSSES = ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv", "percentEquivStdErr"] as const;
type Losses = Record<(typeof LOSSES)[number], number>;

/** What the tests look into; the pose's are there for `--group so3`. */
interface Found extends Losses {
  [name: string]: unknown;
  lossTotalStdErr: number;
  gains: { count: number; percentPredictedPose: number; percentGainNoisyPose: number }[];
  percentPose: number;
  lossPose: number;
  lossPoseFloor: number;
  lossTotalPose: number;
  betterReading: { reading: object; lossTotal: number };
}

async function measured(...args: string[]): Promise<Found> {
  const result = await command.run(["measure", ...args, "--json"]);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout.trimEnd()).not.toContain("\n");
  return JSON.parse(result.stdout) as Found;
}

beforeAll(async () => {
  const quick = [...SMALL_STEPS, "--heldout", "6", "--steps", "2", "--every", "2"];
  const result = await command.run(["train", ...quick, "--seed", "4", "--out", run, "--quiet"]);
  expect(result.code, result.stderr).toBe(0);
});

describe("voxtwirl measure --model", () => {
  it("finds on the held-out molecules what the run's last evaluation found", async () => {
    const found = await measured("--model", run, "--data", "builtin");
    const rows = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    const last = JSON.parse(rows.at(-1)!) as Losses & { type: string };
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

const [N, K, D, C] = [6, 8, 3, 2];
const CELLS = D ** 3 * C;

/** Predictions of 8 different rotations of each sample, rotated back, and the raw ones that these come from. */
function elsewhere() {
  const targets = randomArray(N * CELLS, 1);
  const back = randomArray(N * K * CELLS, 2, 0.5).map(
    (value, i) => value + targets[Math.floor(i / (K * CELLS)) * CELLS + (i % CELLS)]!,
  );
  const random = new Random(3);
  const elements = Array.from({ length: N }, () => [...drawOctahedral(random, K)]).flat();
  const raw = new Float32Array(back.length);
  elements.forEach((g, i) => {
    raw.set(rotateGridOctahedral(back.slice(i * CELLS, (i + 1) * CELLS), D, C, g), i * CELLS);
  });
  return { targets, back, raw, elements, matrices: Float32Array.from(elements.flatMap((g) => octahedralMatrices[g]!)) };
}

describe("voxtwirl measure --predictions", () => {
  const { targets, back, raw, elements, matrices } = elsewhere();
  beforeAll(() => {
    writeFileSync(file("t.npy"), npyBytes([N, D, D, D, C], targets));
    writeFileSync(file("back.npy"), npyBytes([N, K, D, D, D, C], back));
    writeFileSync(file("raw.npy"), npyBytes([N, K, D, D, D, C], raw));
    writeFileSync(file("r.npy"), npyBytes([N, K, 3, 3], Float64Array.from(matrices)));
    writeFileSync(file("r0.npy"), npyBytes([K, 3, 3], matrices.slice(0, K * 9)));
    writeFileSync(file("flat.npy"), npyBytes([N, K, CELLS], Float64Array.from(back)));
    writeFileSync(file("tflat.npy"), npyBytes([N, CELLS], targets));
  });
  const arrays = (predictions: string, ...more: string[]) => [
    "--predictions",
    file(predictions),
    "--targets",
    file("t.npy"),
    ...more,
  ];

  it("decomposes predictions of any shape that are rotated back already", async () => {
    const { gains: _, ...expected } = decompose(back, targets, { samples: N });
    const found = await measured(...arrays("back.npy"));
    expect(found).toMatchObject({ ...expected, type: "measure", group: "octahedral" });
    const flat = await measured("--predictions", file("flat.npy"), "--targets", file("tflat.npy"));
    expect(flat.percentEquiv).toBeCloseTo(expected.percentEquiv, 10);
  });

  it("takes rows for independent draws with --group so3", async () => {
    const { lossEquiv } = decompose(back, targets, { samples: N, groupOrder: Infinity });
    expect((await measured(...arrays("back.npy", "--group", "so3"))).lossEquiv).toBeCloseTo(lossEquiv, 12);
  });

  it("rotates raw voxel outputs back, by rotations of their own or shared ones", async () => {
    const { percentEquiv } = decompose(back, targets, { samples: N });
    const found = await measured(...arrays("raw.npy", "--rotations", file("r.npy")));
    expect(found.percentEquiv).toBeCloseTo(percentEquiv, 8);
    expect((await measured(...arrays("raw.npy"))).percentEquiv).not.toBeCloseTo(percentEquiv, 2);
    // The first sample's rotations for all.
    const shared = new Float32Array(raw.length);
    for (let i = 0; i < N * K; i++) {
      shared.set(rotateGridOctahedral(back.slice(i * CELLS, (i + 1) * CELLS), D, C, elements[i % K]!), i * CELLS);
    }
    writeFileSync(file("shared.npy"), npyBytes([N, K, D, D, D, C], shared));
    const again = await measured(...arrays("shared.npy", "--rotations", file("r0.npy")));
    expect(again.percentEquiv).toBeCloseTo(percentEquiv, 8);
  });

  it("reads half precision and Fortran order as it reads float32", async () => {
    const { percentEquiv } = decompose(back, targets, { samples: N });
    const half = (name: string, shape: readonly number[], values: Float32Array) => {
      const text = `{'descr': '<f2', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
      writeFileSync(file(name), npyHeader(text, new Uint8Array(encodeHalf(values).buffer)));
    };
    half("raw-half.npy", [N, K, D, D, D, C], raw);
    half("r-half.npy", [N, K, 3, 3], matrices);
    const found = await measured(...arrays("raw-half.npy", "--rotations", file("r-half.npy")));
    expect(found.percentEquiv).toBeCloseTo(percentEquiv, 1);
    expect(found.percentEquiv).not.toBe(percentEquiv);
    const fortran = new Float32Array(back.length);
    for (let i = 0; i < back.length; i++) {
      const [n, k, e] = [Math.floor(i / (K * CELLS)), Math.floor(i / CELLS) % K, i % CELLS];
      fortran[n + N * (k + K * e)] = back[i]!;
    }
    const text = `{'descr': '<f4', 'fortran_order': True, 'shape': (${N}, ${K}, ${CELLS}), }`;
    writeFileSync(file("fortran.npy"), npyHeader(text, new Uint8Array(fortran.buffer)));
    const turned = await measured("--predictions", file("fortran.npy"), "--targets", file("tflat.npy"));
    expect(turned.percentEquiv).toBeCloseTo(percentEquiv, 8);
  });

  /** Raw outputs of a model that is equivariant but for some noise, under elements that all samples share. */
  function equivariant(elements: readonly number[]) {
    const outputs = new Float32Array(N * elements.length * CELLS);
    for (let n = 0; n < N; n++) {
      const noise = randomArray(CELLS, 50 + n, 0.1);
      const upright = noise.map((value, e) => value + targets[n * CELLS + e]!);
      elements.forEach((g, i) => {
        outputs.set(rotateGridOctahedral(upright, D, C, g), (n * elements.length + i) * CELLS);
      });
    }
    return npyBytes([N, elements.length, D, D, D, C], outputs);
  }

  it("tells a wrong convention of the rotations, and still gives what was asked", async () => {
    const all = octahedralMatrices.map((_, g) => g);
    writeFileSync(file("equivariant.npy"), equivariant(all));
    const given = (name: string, change: (m: readonly number[]) => number[]) => {
      writeFileSync(file(name), npyBytes([24, 3, 3], Float32Array.from(octahedralMatrices.flatMap(change))));
      return arrays("equivariant.npy", "--rotations", file(name));
    };
    const right = await measured(...given("right.npy", (m) => [...m]));
    expect(right).toMatchObject({ betterReading: null, remarks: [] });
    expect(right.percentEquiv).toBeCloseTo(0, 8);
    const passive = given("passive.npy", (m) => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => m[at]!));
    const wrong = await measured(...passive);
    expect(wrong.percentEquiv).toBeGreaterThan(50);
    expect(wrong.betterReading.reading).toEqual({ kind: "matrices", transposed: true, axes: "xyz", flipped: "" });
    expect(wrong.betterReading.lossTotal).toBeCloseTo(right.lossTotal, 10);
    const { stdout } = await command.run(["measure", ...passive]);
    expect(stdout).toMatch(
      /^With the transposed matrices lossTotal would be 0\.0\d+ instead of 1\.0: are .* passive\?$/m,
    );
    expect(stdout).toMatch(/^Warning: lossTotal is above lossZero/m);
    expect(stdout).toMatch(/^ +percentEquiv +[5-9]\d/m);
    const reversed = await command.run(["measure", ...given("zyx.npy", (m) => [...m].reverse())]);
    expect(reversed.stdout).toMatch(/^With the axes reversed \(z y x\) lossTotal would be/m);
  });

  it("takes the 48 of the full group, and calls a reflection one", async () => {
    const both = [...octahedralMatrices, ...octahedralMatrices.map((m) => m.map((value) => -value))];
    const write = (name: string, rows: readonly (readonly number[])[]) =>
      writeFileSync(file(name), npyBytes([rows.length, 3, 3], Float32Array.from(rows.flat())));
    write("48.npy", both);
    write("one.npy", [...octahedralMatrices.slice(0, 23), both[30]!]);
    const outputs = randomArray(N * 48 * CELLS, 9);
    writeFileSync(file("raw48.npy"), npyBytes([N, 48, D, D, D, C], outputs));
    const found = await measured(...arrays("raw48.npy", "--rotations", file("48.npy")));
    expect(found).toMatchObject({ group: "full-octahedral", rotations: 48 });
    // The first rotation is the identity, and so on: only the order of the sum is another.
    const backward = await measured(...arrays("raw48.npy", "--group", "full-octahedral"));
    expect(backward).toMatchObject({ group: "full-octahedral", rotations: 48 });
    const alone = await command.run(["measure", ...arrays("raw48.npy")]);
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringMatching(/with reflections --group full-octahedral/) });
    writeFileSync(file("raw24.npy"), npyBytes([N, 24, D, D, D, C], outputs.slice(0, N * 24 * CELLS)));
    const args = arrays("raw24.npy", "--rotations", file("one.npy"));
    const refused = await command.run(["measure", ...args]);
    expect(refused.stderr).toMatch(/one\.npy: matrix 23 is a reflection \(determinant -1\), not a rotation\n.*full-o/);
    expect((await measured(...args, "--group", "full-octahedral")).group).toBe("full-octahedral");
  });

  it("prints a table", async () => {
    const { stdout } = await command.run(["measure", ...arrays("back.npy")]);
    expect(stdout).toMatch(/6 samples of .*back\.npy, 8 rotations each/);
    expect(stdout).toMatch(/^ +percentEquiv +.* ± .* %/m);
  });

  it("refuses rotations that it cannot use", async () => {
    const tilted = matrices.slice();
    tilted.set([0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1], 9);
    writeFileSync(file("tilted.npy"), npyBytes([N, K, 3, 3], tilted));
    const twice = matrices.slice();
    twice.copyWithin(9, 0, 9);
    writeFileSync(file("twice.npy"), npyBytes([N, K, 3, 3], twice));
    for (const [name, text] of [
      ["tilted.npy", /matrix 1 of sample 0 is a rotation by 36\.9 degrees, but none of the 24/],
      ["twice.npy", /matrix 1 of sample 0 is the rotation of matrix 0 again\n.*so3/],
      ["t.npy", /does not hold 8 rotations/],
    ] as const) {
      const result = await command.run(["measure", ...arrays("raw.npy", "--rotations", file(name))]);
      expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(text) });
    }
    const drawn = await command.run([
      "measure",
      ...arrays("raw.npy", "--rotations", file("twice.npy"), "--group", "so3"),
    ]);
    expect(drawn.code, drawn.stderr).toBe(0);
    const flat = ["--predictions", file("flat.npy"), "--targets", file("tflat.npy"), "--rotations", file("r.npy")];
    expect((await command.run(["measure", ...flat])).stderr).toMatch(/does not hold voxel grids/);
  });
});

describe("what voxtwirl measure cannot do", () => {
  beforeAll(() => {
    const { tensors, metadata } = decodeSafetensors(readFileSync(model));
    const change = (name: string, meta: Record<string, string>, keep = (_: string) => true) =>
      writeFileSync(
        file(name),
        encodeSafetensors(
          [...tensors.values()].filter((t) => keep(t.name)),
          meta,
        ),
      );
    change("bare.safetensors", {});
    change("words.safetensors", { ...metadata, config: "words" });
    const [first] = tensors.values();
    const [ahead, values] = [[...tensors.values()].filter((t) => t !== first), first!.data as Float32Array];
    const replace = (name: string, dtype: SafeDType, data: SafeData) =>
      writeFileSync(file(name), encodeSafetensors([{ ...first!, dtype, data }, ...ahead], metadata));
    replace(
      "huge.safetensors",
      "F64",
      Float64Array.from(values, () => -1e300),
    );
    replace("whole.safetensors", "I32", Int32Array.from(values));
    change("version.safetensors", { ...metadata, config: "{}" });
    change("lacking.safetensors", metadata, (name) => name !== "final.bias");
    const config = JSON.parse(metadata.config!) as RunConfig;
    const training = { ...config.training, elements: ["C", "H", "O"] };
    change("channels.safetensors", { ...metadata, config: JSON.stringify({ ...config, training }) });
    const broken = [...tensors.values()].map((t) => ({ ...t, data: (t.data as Float32Array).map(() => NaN) }));
    writeFileSync(file("nan.safetensors"), encodeSafetensors(broken, metadata));
    writeFileSync(file("cut.safetensors"), readFileSync(model).subarray(0, 5000));
    // As large as a disk, of nothing.
    for (const name of ["sparse.safetensors", "sparse.npy"]) {
      writeFileSync(file(name), "");
      truncateSync(file(name), 2 ** 42);
    }
    writeFileSync(file("gold.xyz"), "1\n\nAu 0 0 0\n");
    writeFileSync(file("carbon.xyz"), "1\n\nC 0 0 0\n");
    mkdirSync(file("empty"));
    writeFileSync(file("one.npy"), npyBytes([2, 1, 4], randomArray(8, 1)));
    writeFileSync(file("many.npy"), npyBytes([2, 25, 4], randomArray(200, 1)));
    writeFileSync(file("four.npy"), npyBytes([2, 4], randomArray(8, 1)));
    writeFileSync(file("bad.npy"), npyBytes([2, 3, 4], randomArray(24, 1).fill(NaN)));
    writeFileSync(file("words.npy"), "words");
    writeFileSync(file("pointer.safetensors"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
  });
  const data = ["--data", "builtin"];

  it.each<[string[], number, string]>([
    [[], 2, "--model"],
    [["--model", "run"], 2, "--data"],
    [["--model", "run", ...data, "--group", "o3"], 2, "octahedral, so3"],
    [["--model", "run", ...data, "--twirl", "25"], 2, "from 2 to 24"],
    [["--model", "run", ...data, "--twirl", "1", "--group", "so3"], 2, "--twirl 1"],
    [["--model", "run", ...data, "--limit", "0"], 2, "--limit 0"],
    [["--model", "run", ...data, "--seed", "-1"], 2, "--seed -1"],
    [["--model", "run", ...data, "--interpolation", "trilinear"], 2, "--group so3"],
    [["--model", "run", ...data, "--targets", "four.npy"], 2, "--targets does not go with --model"],
    [["--predictions", "many.npy"], 2, "--targets"],
    [["--predictions", "many.npy", "--targets", "four.npy", "--limit", "3"], 2, "--limit does not go"],
    [["--predictions", "many.npy", "--targets", "four.npy"], 2, "--group so3"],
    [["--modle", "run"], 2, "Did you mean --model"],
    [["--model", "nowhere", ...data], 1, "no such file"],
    [["--model", "empty", ...data], 1, "model.safetensors"],
    [["--model", "cut.safetensors", ...data], 1, "not a valid safetensors file"],
    [["--model", "four.npy", ...data], 1, "it is a NumPy array (.npy)"],
    [["--model", "pointer.safetensors", ...data], 1, "a git-lfs pointer"],
    [["--model", "sparse.safetensors", ...data], 1, "more than can be read"],
    [["--predictions", "sparse.npy", "--targets", "four.npy"], 1, "it does not begin as one"],
    [["--model", "huge.safetensors", ...data], 1, "holds -1e+300, beyond float32"],
    [["--model", "whole.safetensors", ...data], 1, "is I32, and weights are F32, F16, BF16 or F64"],
    [["--model", "run", ...data, "--group", "full-octahedral"], 2, "--predictions"],
    [["--model", "bare.safetensors", ...data], 1, "--predictions"],
    [["--model", "words.safetensors", ...data], 1, "not JSON"],
    [["--model", "version.safetensors", ...data], 1, "format"],
    [["--model", "lacking.safetensors", ...data], 1, "'final.bias' is missing"],
    [["--model", "channels.safetensors", "--data", "carbon.xyz"], 1, "grid_projection.weight"],
    [["--model", "nan.safetensors", "--data", "builtin", "--twirl", "2"], 1, "not finite"],
    [["--model", "run", "--data", "missing.xyz"], 1, "missing.xyz"],
    [["--model", "run", "--data", "gold.xyz"], 1, "fit the model's grid"],
    [["--predictions", "missing.npy", "--targets", "four.npy"], 1, "missing.npy"],
    [["--predictions", "words.npy", "--targets", "four.npy"], 1, "words.npy"],
    [["--predictions", "four.npy", "--targets", "many.npy"], 1, "do not belong together"],
    [["--predictions", "one.npy", "--targets", "four.npy"], 1, "at least two"],
    [["--predictions", "bad.npy", "--targets", "four.npy"], 1, "not finite"],
  ])("%j is one clear line and what to do", async (args, code, text) => {
    const placed = args.map((arg) => (/\.|^(run|nowhere|empty)$/.test(arg) ? file(arg) : arg));
    const result = await command.run(["measure", ...placed]);
    expect(result.code, result.stderr).toBe(code);
    const lines = result.stderr
      .trimEnd()
      .split("\n")
      .filter((line) => !line.includes("software adapter"));
    expect(lines.length, result.stderr).toBe(2);
    expect(lines.join("\n")).toContain(text);
  });
});
