import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/gpu/tensor.ts";
import { unetLayout, unetParameters, type UNet3dConfig } from "../../src/models/unetLayout.ts";

const reference: UNet3dConfig = {
  inChannels: 5,
  outChannels: 5,
  channels: [32, 64, 128, 512],
  blocks: 2,
  attention: [false, false, true, true],
  middleAttention: true,
  groups: 16,
  dropout: 0.1,
  down: "k3s2",
};

const tiny: UNet3dConfig = {
  inChannels: 5,
  outChannels: 5,
  channels: [8, 16, 32],
  blocks: 1,
  attention: [false, false, false],
  middleAttention: false,
  groups: 4,
  dropout: 0,
  down: "k4s2",
};

const count = (config: UNet3dConfig) => unetParameters(config).reduce((sum, p) => sum + elementCount(p.shape), 0);

describe("U-Net layout", () => {
  it("has the reference's parameter counts", () => {
    expect(count(reference)).toBe(111_515_237);
    expect(count({ ...reference, inChannels: 8, outChannels: 8 })).toBe(111_520_424);
    expect(count(tiny)).toBe(363_669);
  });

  it("gives every parameter one name, and takes only attention's norms out of training", () => {
    const parameters = unetParameters(reference);
    expect(new Set(parameters.map((p) => p.name)).size).toBe(parameters.length);
    for (const p of parameters) expect(p.trained).toBe(!/attn\.norm\./.test(p.name));
  });

  it("uses every skip", () => {
    const { down, up } = unetLayout(reference);
    expect(up.filter((item) => item.kind === "block").length).toBe(down.length + 1);
  });

  it("refuses channels that the groups do not divide", () => {
    expect(() => unetLayout({ ...tiny, groups: 3 })).toThrow(/groups/);
  });
});
