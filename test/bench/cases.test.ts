import { describe, expect, it } from "vitest";
import { expectedUnetTiny } from "../../bench/golden/unetTiny.ts";
import { expectedUnetU, goldenUnetU } from "../../bench/golden/unetU.ts";
import { denoiserFlops } from "../../bench/denoiserLayers.ts";
import { selectCases } from "../../bench/main.ts";
import { peerNames } from "../../bench/protocol.ts";
import { suites } from "../../bench/suites/index.ts";
import { unetUFlops, unetUParameters } from "../../bench/unetU.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";

const all = Object.values(suites).flatMap((make) => make());

describe("the cases", () => {
  it("have the operations that other engines' figures were made with", () => {
    const gflop = (name: string) => all.find((c) => c.name === name)!.flops / 1e9;
    const published = {
      "conv3d/A": 1.81,
      "conv3d/B": 3.62,
      "conv3d/C": 7.25,
      "conv3d/D": 0.45,
      "conv3d/S": 0.23,
      "convT/T": 2.15,
      "unet/U": 40.28,
    };
    for (const [name, expected] of Object.entries(published)) expect(gflop(name), name).toBeCloseTo(expected, 1.9);
    for (const letter of ["A", "B", "C", "D", "S"]) {
      for (const pass of ["gradInput", "gradWeight"]) {
        expect(gflop(`${pass}/${letter}`)).toBe(gflop(`conv3d/${letter}`));
      }
    }
  });

  it("hold those of every kind, under names of their own", () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of [
      "groupnorm/G",
      "groupnorm/GB",
      "rotate/R32",
      "rotate/R64",
      "twirl/V32",
      "twirl/V64",
      "unet/U/train",
      "unet/tiny/train",
      "adamw/U",
      "noise/normal",
      "voxelize/32",
      "matmul/512/grad",
      "attention/512x128",
      "attention/8x256x64/pairs/grad",
      "measure/tiny/24",
      "analyze/lanczos/30",
    ]) {
      expect(names).toContain(name);
    }
    for (const { name, flops, bytes, tolerance, suite } of all) {
      expect(Object.keys(suites), name).toContain(suite);
      expect(flops, name).toBeGreaterThanOrEqual(0);
      expect(bytes, name).toBeGreaterThan(0);
      // Products by differences, and steps that draw their own samples, leave out more than rounding.
      expect(tolerance, name).toBeLessThan(suite === "analyze" || name.startsWith("flow/train") ? 1e-2 : 1e-3);
    }
  });

  it("tell peers of inputs that the data has, in the shapes it has them", () => {
    for (const { name, peers, data } of all) {
      // Large ones are left to the runs.
      if (!peers || peers.inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0) > 2e6) continue;
      const values = data();
      for (const input of peers.inputs) {
        if (input.made) continue;
        expect(values.get(input.name)?.length, `${name} ${input.name}`).toBe(elementCount(input.shape));
      }
    }
  });

  it("are chosen by suite and by name", () => {
    expect(selectCases(["conv3d"], "gradWeight/").map(({ name }) => name)).toContain("gradWeight/C");
    expect(selectCases([]).some(({ suite }) => suite === "voxmol")).toBe(false);
    expect(selectCases(["voxmol"]).length).toBeGreaterThan(50);
    expect(() => selectCases(["conv4d"])).toThrow(/no suite conv4d/);
    expect(() => selectCases([], "nothing like it")).toThrow(/nothing like it/);
    expect(new Set(peerNames).size).toBe(peerNames.length);
  });
});

describe("cases of half precision", () => {
  const halves = all.flatMap((c) => (c.inHalf ? [[c, c.inHalf()] as const] : []));

  it("are the same work under other names, with nobody to compare with", () => {
    expect(new Set(halves.map(([{ suite }]) => suite))).toEqual(
      new Set([
        "conv3d",
        "convT",
        "groupnorm",
        "layernorm",
        "matmul",
        "attention",
        "forces",
        "unet",
        "measure",
        "voxmol",
      ]),
    );
    for (const [single, half] of halves) {
      expect(half.name).toBe(`${single.name}/f16`);
      expect(half).toMatchObject({ precision: "f16", suite: single.suite, shape: single.shape, flops: single.flops });
      expect([half.peers, half.inHalf, single.precision], half.name).toEqual([undefined, undefined, undefined]);
      expect(half.bytes, half.name).toBeLessThanOrEqual(single.bytes);
      expect(half.tolerance, half.name).toBeGreaterThanOrEqual(single.tolerance);
    }
    const bytes = (name: string) => halves.find(([{ name: of }]) => of === name)!.map((c) => c.bytes);
    const [weight, grid] = [27 * 32 * 32, 32 ** 3 * 32];
    expect(bytes("conv3d/A")).toEqual([4 * (weight + 2 * grid), 4 * weight + 2 * 2 * grid]);
  });

  it("begin with the same numbers, rounded where they are stored so", () => {
    const [single, half] = halves.find(([{ name }]) => name === "conv3d/D")!;
    const [exact, rounded] = [single.data(), half.data()];
    expect(rounded.get("weight")).toEqual(exact.get("weight"));
    expect(rounded.get("x")).not.toEqual(exact.get("x"));
    exact.get("x")!.forEach((value, i) => {
      expect(Math.abs(rounded.get("x")![i]! - value)).toBeLessThanOrEqual(2 ** -11 * Math.abs(value) + 2 ** -25);
    });
  });

  it("are chosen by the same names", () => {
    expect(selectCases(["groupnorm"], "G/", "f16").map(({ name }) => name)).toContain("groupnorm/G/silu/f16");
    expect(() => selectCases(["noise"], "", "f16")).toThrow(/No case of half precision/);
  });
});

describe("case U", () => {
  it("has 142 parameter tensors and 40.28 GFLOP", () => {
    const parameters = unetUParameters();
    expect(parameters).toHaveLength(142);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(142);
    expect(unetUFlops() / 1e9).toBeCloseTo(40.28, 2);
    const shape = (name: string) => parameters.find((p) => p.name === name)?.shape;
    expect(shape("stem.weight")).toEqual([3, 3, 3, 5, 32]);
    expect(shape("up1.block0.conv1.weight")).toEqual([3, 3, 3, 192, 64]);
    expect(shape("up2.sample.weight")).toEqual([4, 4, 4, 128, 128]);
    expect(shape("middle.block0.shortcut.weight")).toBeUndefined();
  });
});

describe("operations of the denoiser", () => {
  it("are those counted by hand for a network of one level", () => {
    const sizes = { channels: [4], inChannels: 2, outChannels: 3 };
    const config = { ...unetConfig(presets.tiny!), ...sizes, attention: [true], middleAttention: false };
    const voxels = 8 ** 3;
    const conv3 = (ci: number, co: number) => 2 * voxels * 27 * ci * co;
    const conv1 = (ci: number, co: number) => 2 * voxels * ci * co;
    const attention = conv1(4, 12) + 4 * voxels ** 2 * 4 + conv1(4, 4);
    const down = conv3(4, 4) * 2 + attention;
    const up = (conv3(8, 4) + conv1(8, 4) + conv3(4, 4) + attention) * 2;
    const middle = conv3(4, 4) * 4;
    expect(denoiserFlops(config, 8)).toBe(conv3(2, 4) + down + middle + up + conv3(4, 3));
  });
});

describe("the goldens", () => {
  it("are of the same parameters as the cases", async () => {
    for (const [name, expected] of [
      ["unet/U/train", expectedUnetU("train")],
      ["unet/tiny/train", expectedUnetTiny()],
    ] as const) {
      const outputs = all.find((c) => c.name === name)!.peers!.outputs;
      expect(expected.map(({ output }) => output).sort()).toEqual(outputs.map((output) => output.name).sort());
      for (const { output, indices, values } of expected) {
        const count = elementCount(outputs.find((o) => o.name === output)!.shape);
        expect(Math.max(...Array.from(indices!)), output).toBeLessThan(count);
        expect(values.length).toBe(Math.min(64, count));
      }
    }
    expect(expectedUnetU("forward").map(({ output }) => output)).toEqual(["y"]);
    expect(goldenUnetU.flops).toBe(unetUFlops());
  });
});
