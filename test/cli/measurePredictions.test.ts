import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { act, so3 } from "../../src/equivariance/groups.ts";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { weightedTerms } from "../../src/equivariance/weightedTerms.ts";
import { measurePredictions } from "../../src/equivariance/predictions.ts";
import { drawOctahedral, haarRotation } from "../../src/equivariance/rotations.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { Random } from "../../src/random.ts";
import { encodeHalf } from "../../src/gpu/half.ts";
import { randomArray } from "../harness.ts";
import { npyBytes, npyHeader } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { measure } from "./measuring.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure-predictions");
const file = (name: string) => join(folder, name);
const measured = (...args: string[]) => measure(command, args);

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

  it("weighs a quadrature's predictions, and takes a group from a file", async () => {
    const nodes = quadrature(5).enumerate!();
    const vectors = randomArray(3 * 84 * 6, 4);
    const goals = randomArray(3 * 6, 5);
    writeFileSync(file("q.npy"), npyBytes([3, 84, 2, 3], vectors));
    writeFileSync(file("tq.npy"), npyBytes([3, 2, 3], goals));
    writeFileSync(file("rq.npy"), npyBytes([84, 3, 3], Float32Array.from(nodes.flat())));
    const given = ["--predictions", file("q.npy"), "--targets", file("tq.npy")];
    const terms = weightedTerms(quadrature(5).weights!);
    const expected = decompose(vectors, goals, { samples: 3, groupOrder: 84, terms });
    const upright = await measured(...given, "--group", "quadrature-5");
    expect(upright).toMatchObject({ group: "quadrature-5", exact: true, lossEquiv: expected.lossEquiv });
    const rotations = [...given, "--rotations", file("rq.npy"), "--kind", "vectors"];
    const raw = await measured(...rotations, "--group", "quadrature-5");
    expect(raw.lossEquiv).not.toBeCloseTo(expected.lossEquiv, 3);
    expect(await measured(...rotations, "--group", "so3")).toEqual(raw);
    const shown = await command.run(["measure", ...given, "--group", "quadrature-5"]);
    expect(shown.stdout).toContain("quadrature-5, a fixed rule with weights: nothing is drawn");
    // 84 predictions are more than two elements.
    writeFileSync(file("c2.json"), '{"generators": [[-1, 0, 0, 0, -1, 0, 0, 0, 1]]}');
    const many = await command.run(["measure", ...given, "--group", file("c2.json")]);
    expect(many.stderr).toContain("there are 84 predictions a sample, the c2 group has 2 elements");
    const frames = await command.run(["measure", "--model", "m", "--data", "builtin", "--group", "quadrature-5"]);
    expect([frames.code, frames.stderr]).toEqual([2, expect.stringContaining("goes with --predictions")]);
  });

  describe("--kind", () => {
    const random = new Random(11);
    const turns = Array.from({ length: N * K }, () => haarRotation(random));
    const ATOMS = 2;
    const numbers = { vectors: 3, tensors: 9, scalars: 1 } as const;
    const axes = { vectors: [3], tensors: [3, 3], scalars: [] } as const;
    const given = (kind: keyof typeof numbers) => [
      ...["--predictions", file(`${kind}.npy`), "--targets", file(`${kind}-t.npy`)],
      ...["--rotations", file("turns.npy"), "--group", "so3"],
    ];

    /** Wrong by a shift in the axes of the rotated input. */
    const samplesOf = (kind: keyof typeof numbers) =>
      Array.from({ length: N }, (_, n) => {
        const target = Float64Array.from(randomArray(ATOMS * numbers[kind], 70 + n));
        const raw = turns.slice(n * K, (n + 1) * K).map((turn) => act(so3(), { kind }, turn, target));
        return {
          target,
          predictions: raw.flatMap((one) => Array.from(one, (value, e) => value + 0.1 * Math.sin(e + 1))),
        };
      });

    it.each(["vectors", "tensors", "scalars"] as const)("rotates %s back", async (kind) => {
      const samples = samplesOf(kind);
      const flat = (part: "predictions" | "target") => Float64Array.from(samples.flatMap((one) => [...one[part]]));
      writeFileSync(file(`${kind}.npy`), npyBytes([N, K, ATOMS, ...axes[kind]], flat("predictions")));
      writeFileSync(file(`${kind}-t.npy`), npyBytes([N, ATOMS, ...axes[kind]], flat("target")));
      writeFileSync(file("turns.npy"), npyBytes([N, K, 3, 3], Float64Array.from(turns.flat())));
      const {
        gains: _,
        betterReading: better,
        ...expected
      } = await measurePredictions(samples, {
        ...{ group: "so3", rotations: { matrices: turns.flat(), output: { kind } } },
      });
      expect(better).toBeUndefined();
      const found = await measured(...given(kind), "--kind", kind);
      expect(found).toMatchObject({ ...expected, betterReading: null, group: "so3" });
      if (kind === "scalars") expect(found.percentEquiv).toBeCloseTo(0, 8);
      else expect(found.percentEquiv).toBeGreaterThan(20);
    });

    it.each([
      [[N, K, ATOMS, 3], [], /does not hold voxel grids to rotate back\n.*say by --kind that these are vectors/],
      [[N, K, ATOMS, 2], ["--kind", "vectors"], /\(6, 8, 2, 2\) does not hold vectors .*\n.*\(N, samples, \.\.\., 3\)/],
      [[N, K], ["--kind", "vectors"], /does not hold vectors/],
      [[N, K, 6], ["--kind", "tensors"], /does not hold tensors .*\n.*\.\.\., 3, 3\)\. Write the six numbers/],
      [[N, K, 3], ["--kind", "tensors"], /does not hold tensors/],
      [[N, K, D, D, D, 3], ["--kind", "vectors"], /may hold vectors on a voxel grid, .*\n.*without --rotations/],
      [[N, K, 2, 2, 2, 3, 3], ["--kind", "tensors"], /may hold tensors on a voxel grid/],
    ] as const)("refuses predictions %j with %j before anything is read", async (shape, kind, text) => {
      const [, , ...rest] = shape;
      const size = shape.reduce<number>((product, one) => product * one, 1);
      // NaN would be told of as soon as it is read.
      writeFileSync(file("odd.npy"), npyBytes([...shape], new Float32Array(size).fill(NaN)));
      writeFileSync(file("odd-t.npy"), npyBytes([N, ...rest], new Float32Array(size / K)));
      const args = ["--predictions", file("odd.npy"), "--targets", file("odd-t.npy"), "--rotations", file("r.npy")];
      const result = await command.run(["measure", ...args, ...kind]);
      expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(text) });
    });

    it("needs rotations, and for those that are not of the cube --group so3", async () => {
      const alone = await command.run(["measure", ...arrays("back.npy", "--kind", "vectors")]);
      expect(alone).toMatchObject({ code: 2, stderr: expect.stringMatching(/--kind vectors goes with --rotations/) });
      const unknown = await command.run(["measure", ...arrays("back.npy", "--kind", "forces")]);
      expect(unknown.stderr).toMatch(/--kind forces is not known\n.*grid, vectors, pseudovectors, tensors, scalars/);
      const model = await command.run(["measure", "--model", "m", "--data", "builtin", "--kind", "vectors"]);
      expect(model).toMatchObject({ code: 2, stderr: expect.stringMatching(/--kind does not go with --model/) });
      const cube = await command.run(["measure", ...given("vectors").slice(0, -2), "--kind", "vectors"]);
      expect(cube.stderr).toMatch(/turns\.npy: matrix 0 of sample 0 is a rotation by .*\n.*use --group so3/);
      expect(cube).toMatchObject({ code: 1, stdout: "" });
    });

    it("grid is what there is without it", async () => {
      const args = arrays("raw.npy", "--rotations", file("r.npy"));
      expect(await measured(...args, "--kind", "grid")).toEqual(await measured(...args));
    });
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
