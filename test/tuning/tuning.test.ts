import { describe, expect, it } from "vitest";
import type { KernelCall } from "../../src/gpu/dispatch.ts";
import { adapterId, type TunedChoice, type Tuning } from "../../src/gpu/tuning.ts";
import { kernelsWithVariants } from "../../src/kernels/list.ts";
import { kernelHashes, textHash } from "../../src/kernels/kernelHash.ts";
import { emptyTuning, parseTuning, tuningHash, withChoices } from "../../src/tuning/tuning.ts";

const choice: TunedChoice = { variant: "runs of 128", ms: 1, fallback: "runs of 64", fallbackMs: 1.5 };
const KEY = "groupNorm 8x4096x8, 4 groups";
const CONV = "conv3d 1x4x4x4x8 -> 4x4x4x8, k3 s1 p1";
const tuning: Tuning = withChoices(emptyTuning("an adapter"), new Map([[KEY, choice]]));
const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

describe("parseTuning", () => {
  it("gives back what went through JSON", () => {
    expect(parseTuning(json(tuning), "an adapter")).toEqual(tuning);
  });

  it("refuses one of another adapter or driver, and says of which", () => {
    expect(() => parseTuning(json(tuning), "another", "a.json")).toThrow(
      expect.objectContaining({
        code: "bad-config",
        message: expect.stringMatching(/^a\.json .*"an adapter".*"another"/),
      }),
    );
  });

  it.each<[string, unknown]>([
    ["nothing", null],
    ["a list", []],
    ["a text", "tuning"],
    ["another format", { ...tuning, format: 2 }],
    ["no kernels", { ...tuning, kernels: undefined }],
    ["no choices", { ...tuning, choices: [] }],
    ["a choice that is a text", { ...tuning, choices: { [KEY]: "runs of 128" } }],
    ["a choice without a variant", { ...tuning, choices: { [KEY]: { ...choice, variant: 3 } } }],
    ["a choice without a time", { ...tuning, choices: { [KEY]: { ...choice, ms: null } } }],
    ["a choice that takes no time", { ...tuning, choices: { [KEY]: { ...choice, fallbackMs: 0 } } }],
  ])("refuses %s, with what to do", (_, value) => {
    expect(() => parseTuning(value, "an adapter")).toThrow(
      expect.objectContaining({ code: "bad-config", fix: expect.stringContaining("voxtwirl tune") }),
    );
  });

  it("leaves out choices of kernels whose shaders are others by now, and of none", () => {
    const both = withChoices(
      tuning,
      new Map([
        [CONV, choice],
        ["other 1x1", choice],
      ]),
    );
    const old = { ...both, kernels: { ...both.kernels, conv3d: "0123456789abcdef" } };
    expect(Object.keys(parseTuning(json(old), "an adapter").choices)).toEqual([KEY]);
  });
});

describe("withChoices", () => {
  it("adds, replaces and takes away, and leaves the rest", () => {
    const two = withChoices(tuning, new Map([[CONV, choice]]));
    expect(Object.keys(two.choices)).toEqual([CONV, KEY]);
    const faster = { ...choice, variant: "runs of 256" };
    const next = withChoices(
      two,
      new Map([
        [KEY, faster],
        [CONV, undefined],
      ]),
    );
    expect(next.choices).toEqual({ [KEY]: faster });
    expect(tuning.choices).toEqual({ [KEY]: choice });
  });
});

describe("kernelHashes", () => {
  it("has one for each kernel, no two the same but where the shaders are", () => {
    const hashes = kernelHashes();
    expect(Object.keys(hashes)).toEqual(kernelsWithVariants().map(({ name }) => name));
    const others = Object.entries(hashes).filter(([kernel]) => kernel !== "attentionGrad");
    expect(new Set(others.map(([, hash]) => hash)).size).toBe(others.length);
    for (const hash of Object.values(hashes)) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it("tells texts apart by one letter anywhere", () => {
    const text = "fn main() { let a = 1; }";
    const changed = Array.from(text, (_, i) => textHash(`${text.slice(0, i)}x${text.slice(i + 1)}`));
    expect(new Set([...changed, textHash(text), textHash(`${text} `)]).size).toBe(text.length + 2);
  });
});

describe("tuningHash", () => {
  const call = (key: string, variant: string): KernelCall => {
    return { kernel: "groupNorm", key, shape: {}, dtype: "f32", variant, fallback: "runs of 64" };
  };

  it('is "none" where all variants are those of the table', () => {
    expect(tuningHash([])).toBe("none");
    expect(tuningHash([call("a", "runs of 64"), call("b", "runs of 64")])).toBe("none");
  });

  it("follows from the calls that are not, in any order and number", () => {
    const hash = tuningHash([call("a", "runs of 8"), call("b", "runs of 16")]);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    const again = [call("c", "runs of 64"), call("b", "runs of 16"), call("a", "runs of 8"), call("a", "runs of 8")];
    expect(tuningHash(again)).toBe(hash);
    expect(tuningHash([call("a", "runs of 16"), call("b", "runs of 8")])).not.toBe(hash);
    expect(tuningHash([call("a", "runs of 8")])).not.toBe(hash);
  });
});

describe("adapterId", () => {
  it("holds all that is told of an adapter and its driver", () => {
    const info = { vendor: "nvidia", architecture: "hopper", device: "NVIDIA H100", description: "NVIDIA: 550.1" };
    expect(adapterId(info)).toBe("nvidia, hopper, NVIDIA H100, NVIDIA: 550.1");
    expect(adapterId({ vendor: "", architecture: "", device: "", description: "" })).toBe("unnamed");
  });
});
