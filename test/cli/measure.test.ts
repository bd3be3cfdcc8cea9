import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { RunConfig } from "../../src/training/runConfig.ts";
import { decodeSafetensors, encodeSafetensors, type SafeData, type SafeDType } from "../../src/formats/safetensors.ts";
import { randomArray } from "../harness.ts";
import { npyBytes } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { useTrainedRun } from "./measuring.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("measure");
const file = (name: string) => join(folder, name);
const { model } = useTrainedRun(command, folder);

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
