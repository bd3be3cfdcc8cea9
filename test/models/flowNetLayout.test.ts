import { describe, expect, it } from "vitest";
import { flowNetParameters, type FlowNetConfig } from "../../src/models/flowNetLayout.ts";

const SMALL: FlowNetConfig = {
  hidden: 128,
  layers: 4,
  heads: 4,
  conditioning: 64,
  pair: 32,
  timeEmbedding: 64,
  indexEmbedding: 32,
  registers: 10,
};
/** Of Proteina's model without pair updates of 60 million parameters. */
const SIXTY: FlowNetConfig = {
  ...{ hidden: 512, layers: 10, heads: 8, conditioning: 512, pair: 256 },
  ...{ timeEmbedding: 256, indexEmbedding: 128, registers: 10 },
};

const count = (config: FlowNetConfig, prefix = "") =>
  flowNetParameters(config)
    .filter(({ name }) => name.startsWith(prefix))
    .reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);

describe("the flow-matching net's parameters", () => {
  it("are as many as the paper's sizes give", () => {
    expect(count(SIXTY)).toBe(64_247_808);
    expect(count(SIXTY, "layers.3.")).toBe(6_041_600);
    expect([count(SIXTY, "cond."), count(SIXTY, "pair.")]).toEqual([3_277_312, 477_696]);
    expect([count(SMALL), count(SMALL, "layers.0.")]).toEqual([1_399_168, 330_048]);
    expect(count({ ...SMALL, conditioning: 128 })).toBe(1_756_864);
    const middle = { hidden: 256, layers: 6, heads: 8, conditioning: 256, pair: 64, timeEmbedding: 128 };
    expect(count({ ...SMALL, ...middle, indexEmbedding: 64 })).toBe(10_005_632);
  });

  it("start with closed gates", () => {
    const init = (name: string) => flowNetParameters(SMALL).find((one) => one.name === name)!.init;
    expect(init("layers.2.mlp.outGate.weight")).toEqual({ constant: 0 });
    expect(init("layers.2.mlp.outGate.bias")).toEqual({ constant: -2 });
    expect(init("registers")).toEqual({ deviation: 0.05 });
    expect(init("layers.0.attn.qkv.bias")).toEqual({ bound: 1 / Math.sqrt(128) });
    expect(init("pair.input.weight")).toEqual({ bound: 1 / Math.sqrt(319) });
  });

  it("are refused for sizes that do not fit", () => {
    expect(() => flowNetParameters({ ...SMALL, heads: 3 })).toThrow(/128 in 3 heads/);
    expect(() => flowNetParameters({ ...SMALL, timeEmbedding: 63 })).toThrow(/63 and 32/);
    expect(() => flowNetParameters({ ...SMALL, registers: 0 })).toThrow(/registers is 0/);
  });
});
