import { beforeAll, describe, expect, it } from "vitest";
import { measureLatents } from "../../../src/analysis/latents.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { flowLatents, moduleOf } from "../../../src/tasks/flow/flowLatents.ts";
import { flowNetParameters } from "../../../src/models/flowNetLayout.ts";
import { testGpu } from "../../harness.ts";
import { trainedConfig, trainedFlow } from "./trainedFlow.ts";

const FEATURES = ["cond", "pairInput", "pair", "embedding", "layer0.attention", "layer0"];

describe("the hidden features of a flow-matching model", () => {
  let gpu: Gpu;
  let small: Awaited<ReturnType<typeof trainedFlow>>;
  beforeAll(async () => {
    gpu = await testGpu();
    small = await trainedFlow(gpu);
  });

  it("are invariant where they depend on distances alone, and nowhere else", async () => {
    const before = gpu.allocatedBytes;
    const measurer = await flowLatents(gpu, small);
    const { layers, rotations, samples } = await measureLatents(measurer, [0, 1, 2]);
    measurer.destroy();
    expect(gpu.allocatedBytes).toBe(before);
    expect([samples, rotations.length]).toEqual([3, 24]);
    expect(layers.map(({ name }) => name)).toEqual(FEATURES);
    const { hidden, conditioning, pair } = trainedConfig;
    for (const { name, size, channels, trained, initial } of layers) {
      const invariant = ["cond", "pairInput", "pair"].includes(name);
      expect([size, channels], name).toEqual([null, { cond: conditioning, pairInput: pair, pair }[name] ?? hidden]);
      for (const { rotated } of [trained, initial]) {
        // A distance that rounding moves over a bin's limit changes two of n^2 pairs.
        if (invariant) expect(Math.abs(rotated.cosine.mean - 1), name).toBeLessThan(1e-3);
        else expect(rotated.cosine.mean, name).toBeLessThan(0.999);
      }
    }
  });

  it("are those of the layers that are chosen, and of chains that there are", async () => {
    const measurer = await flowLatents(gpu, { ...small, layers: (name) => name === "layer0" });
    await measurer.add(2);
    expect(measurer.result().layers.map(({ name }) => name)).toEqual(["layer0"]);
    await expect(measurer.add(3)).rejects.toMatchObject({ code: "bad-option" });
    await expect(measurer.add(1, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    expect(measurer.result().samples).toBe(1);
    measurer.destroy();
    await expect(flowLatents(gpu, { ...small, layers: () => false })).rejects.toMatchObject({ code: "no-data" });
  });

  it("have weights behind them", () => {
    const names = flowNetParameters(trainedConfig).map(({ name }) => name);
    for (const feature of FEATURES) {
      expect(
        names.some((name) => name.startsWith(`${moduleOf(feature)}.`)),
        feature,
      ).toBe(true);
    }
    expect(moduleOf("layer3.attention")).toBe("layers.3.attn");
    expect(moduleOf("layer12")).toBe("layers.12.mlp");
  });
});
