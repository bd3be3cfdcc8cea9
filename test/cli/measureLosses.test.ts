import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { absoluteError, crossEntropy, huber, itakuraSaito, kullbackLeibler } from "../../src/equivariance/losses.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { randomArray } from "../harness.ts";
import { npyBytes } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { measure } from "./measuring.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure-losses");
const file = (name: string) => join(folder, name);
const [N, K, ROWS, CLASSES] = [6, 24, 4, 3];
const CELLS = ROWS * CLASSES;

/** Distributions over the last axis, and positive predictions of them for each rotation. */
const targets = randomArray(N * CELLS, 1).map((value) => Math.exp(value));
for (let at = 0; at < targets.length; at += CLASSES) {
  const sum = targets.subarray(at, at + CLASSES).reduce((total, value) => total + value, 0);
  for (let e = at; e < at + CLASSES; e++) targets[e]! /= sum;
}
const predictions = randomArray(N * K * CELLS, 2, 0.3).map(
  (value, i) => targets[Math.floor(i / (K * CELLS)) * CELLS + (i % CELLS)]! * Math.exp(value),
);
const given = ["--predictions", file("p.npy"), "--targets", file("t.npy")];
beforeAll(() => {
  writeFileSync(file("p.npy"), npyBytes([N, K, ROWS, CLASSES], predictions));
  writeFileSync(file("t.npy"), npyBytes([N, ROWS, CLASSES], targets));
  writeFileSync(
    file("few.npy"),
    npyBytes(
      [N, 2, ROWS, CLASSES],
      Float32Array.from({ length: N * 2 * CELLS }, (_, i) => {
        return predictions[Math.floor(i / (2 * CELLS)) * K * CELLS + (i % (2 * CELLS))]!;
      }),
    ),
  );
  writeFileSync(
    file("negative.npy"),
    npyBytes(
      [N, K, ROWS, CLASSES],
      predictions.map((value) => -value),
    ),
  );
  writeFileSync(
    file("double.npy"),
    npyBytes(
      [N, ROWS, CLASSES],
      targets.map((value) => 2 * value),
    ),
  );
  writeFileSync(file("p1.npy"), npyBytes([1, 4], randomArray(4, 1)));
  writeFileSync(file("t1.npy"), npyBytes([1], randomArray(1, 1)));
});

describe("voxtwirl measure --loss", () => {
  it.each([
    [["absolute"], absoluteError],
    [["huber"], huber()],
    [["huber", "--delta", "0.02"], huber({ delta: 0.02 })],
    [["cross-entropy"], crossEntropy({ classes: CLASSES })],
    [["kullback-leibler"], kullbackLeibler],
    [["itakura-saito"], itakuraSaito],
  ] as const)("%j gives what decompose gives", async (args, loss) => {
    const found = await measure(command, [...given, "--loss", ...args]);
    const { gains, ...expected } = decompose(predictions, targets, { samples: N, loss });
    expect(found).toMatchObject({
      ...expected,
      lossZero: Number.isNaN(expected.lossZero) ? null : expected.lossZero,
      formatVersion: 1,
      split: loss.split,
      percentEquivInterval: [
        expect.closeTo(expected.percentEquiv - 1.96 * expected.percentEquivStdErr, 2),
        expect.closeTo(expected.percentEquiv + 1.96 * expected.percentEquivStdErr, 2),
      ],
    });
    expect(found.gains[5]).toMatchObject({ percentGain: gains[5]!.percentGain, percentPredicted: null });
    expect(found.delta).toBe(args[0] !== "huber" ? undefined : args.length === 3 ? 0.02 : 1);
  });

  it("leaves the squared error as it was, and its JSON with the keys that it had", async () => {
    const plain = await command.run(["measure", ...given]);
    expect(await command.run(["measure", ...given, "--loss", "squared"])).toEqual(plain);
    expect(plain.stdout).not.toMatch(/^Loss:/m);
    const found = await measure(command, given);
    const { gains, ...expected } = decompose(predictions, targets, { samples: N });
    expect(found).toMatchObject({ ...expected, gains, loss: "squared", split: "exact" });
    const added = /^(formatVersion|loss|split|exact|.*Interval)$/;
    expect(Object.keys(found).filter((key) => !added.test(key))).toEqual(
      (
        "type group lossTotal lossMean lossEquiv lossZero percentEquiv percentEquivStdErr lossTotalStdErr " +
        "lossMeanStdErr lossEquivStdErr rotations samples gains heldOut ignored remarks betterReading interrupted " +
        "seed predictions " +
        "targets rotationFile"
      ).split(" "),
    );
  });

  it("says whether the split is exact, and measures gains only", async () => {
    const text = async (...args: string[]) => (await command.run(["measure", ...args])).stdout;
    const gap = await text(...given, "--loss", "huber", "--delta", "0.1");
    expect(gap).toMatch(/^Loss: huber, delta 0\.1\. No exact split: lossEquiv is the gap/m);
    expect(gap).toMatch(
      /averaging K predictions, on all 6 samples:\n +K +gain\n( +\d+ +-?\d.* ± .* %\n){6}\nLoss taken away by/,
    );
    expect(gap).not.toMatch(/jackknife|NaN/);
    const exact = await text(...given, "--loss", "itakura-saito");
    expect(exact).toMatch(/^Loss: itakura-saito\. An exact split: lossEquiv is the mean divergence/m);
    expect(exact).not.toMatch(/lossZero|NaN/);
    const few = await text("--predictions", file("few.npy"), "--targets", file("t.npy"), "--loss", "absolute");
    expect(few).toMatch(/the jackknife leaves a small bias/);
  });

  it("calls the error that tells a wrong reading of the rotations what it is", async () => {
    // Vectors that stay as they are, said to turn.
    const vectors = randomArray(N * 3, 5);
    const still = Float32Array.from({ length: N * K * 3 }, (_, i) => vectors[Math.floor(i / (K * 3)) * 3 + (i % 3)]!);
    writeFileSync(file("still.npy"), npyBytes([N, K, 3], still));
    writeFileSync(file("vectors.npy"), npyBytes([N, 3], vectors));
    writeFileSync(file("r.npy"), npyBytes([K, 3, 3], Float32Array.from(octahedralMatrices.flat())));
    const arrays = ["--predictions", file("still.npy"), "--targets", file("vectors.npy"), "--rotations", file("r.npy")];
    const { stdout } = await command.run(["measure", ...arrays, "--kind", "vectors", "--loss", "absolute"]);
    expect(stdout).toMatch(/^With the predictions left as they are the mean squared error would be/m);
  });

  const model = ["--model", "run", "--data", "builtin"];
  it.each<[string[], number, RegExp]>([
    [[...given, "--loss", "hinge"], 2, /--loss hinge is not known\n.*squared, absolute, huber, cross-entropy/],
    [[...given, "--loss", "absolute", "--delta", "1"], 2, /--delta goes with --loss huber, not with absolute/],
    [[...given, "--delta", "1"], 2, /--delta goes with --loss huber/],
    [[...given, "--loss", "huber", "--delta", "0"], 2, /--delta 0 is not a number above 0/],
    [[...model, "--loss", "cross-entropy"], 2, /cross-entropy goes with --predictions of measure/],
    [[...model, "--loss", "kullback-leibler"], 2, /kullback-leibler goes with --predictions/],
    [[...model, "--loss", "huber", "--group", "so3"], 2, /--loss huber does not go with --group so3/],
    [["--predictions", "p1.npy", "--targets", "t1.npy", "--loss", "cross-entropy"], 2, /at least two classes/],
    [["--predictions", "p.npy", "--targets", "double.npy", "--loss", "cross-entropy"], 1, /sum up to 2.*, not 1/],
    [["--predictions", "negative.npy", "--targets", "t.npy", "--loss", "itakura-saito"], 1, /a prediction is -/],
  ])("%j is refused with what to do", async (args, code, text) => {
    const placed = args.map((arg) => (/^\w+\.npy$/.test(arg) ? file(arg) : arg));
    const result = await command.run(["measure", ...placed]);
    expect(result).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(text) });
    expect(result.stderr.trimEnd().split("\n").length).toBe(2);
  });
});
