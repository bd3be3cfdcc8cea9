import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { npyBytes } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { measure } from "./measuring.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure-labels");
const file = (name: string) => join(folder, name);
const [N, K, VOXELS] = [4, 8, 8];
const labels = Float32Array.from({ length: N * VOXELS }, (_, i) => i % 2);
const first = Float32Array.from({ length: N * K * VOXELS }, (_, i) => 0.2 + 0.6 * ((i * 7) % 11) * 0.1);
const given = ["--predictions", file("p.npy"), "--group", "mirrors", "--loss"];
beforeAll(() => {
  const both = Float32Array.from({ length: 2 * first.length }, (_, i) =>
    i % 2 === 0 ? first[i / 2]! : 1 - first[(i - 1) / 2]!,
  );
  writeFileSync(file("p.npy"), npyBytes([N, K, 2, 2, 2, 2], both));
  writeFileSync(file("labels.npy"), npyBytes([N, 2, 2, 2], labels));
  const oneHot = Float32Array.from({ length: 2 * labels.length }, (_, i) =>
    i % 2 === labels[Math.floor(i / 2)]! ? 1 : 0,
  );
  writeFileSync(file("hot.npy"), npyBytes([N, 2, 2, 2, 2], oneHot));
  writeFileSync(
    file("bad.npy"),
    npyBytes(
      [N, 2, 2, 2],
      labels.map((label, i) => (i === 9 ? 255 : label)),
    ),
  );
});

describe("voxtwirl measure with labels", () => {
  it.each(["brier", "cross-entropy", "cross-entropy-probabilities"])(
    "is what one-hot targets give: %s",
    async (loss) => {
      const { targets: _, ...found } = await measure(command, [...given, loss, "--targets", file("labels.npy")]);
      const { targets: __, ...other } = await measure(command, [...given, loss, "--targets", file("hot.npy")]);
      expect(found).toEqual(other);
      expect(found).toMatchObject({ group: "mirrors", heldOut: [{ count: 8 }, { count: 8 }] });
    },
  );

  it("names another label, unless it is ignored", async () => {
    const args = [...given, "brier", "--targets", file("bad.npy")];
    const { code, stderr } = await command.run(["measure", ...args]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("sample 1 of");
    expect(stderr).toContain("label 255 at 1");
    expect(await measure(command, [...args, "--ignore-label", "255"])).toMatchObject({ ignored: 1 });
  });

  it("refuses labels with another loss, and --ignore-label without labels", async () => {
    const squared = await command.run(["measure", ...given, "squared", "--targets", file("labels.npy")]);
    expect(squared.stderr).toContain("do not belong together");
    const args = [...given, "brier", "--targets", file("hot.npy"), "--ignore-label", "1"];
    expect((await command.run(["measure", ...args])).stderr).toContain("class labels");
  });
});
