import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { choose, tableChoice, type TableRow } from "../../src/kernels/kernel.ts";
import { kernelsWithVariants, kernelWithVariants } from "../../src/kernels/list.ts";
import { STORED } from "./half.ts";
import { ADAPTERS, SHAPES } from "./tableCases.ts";

const kernels = kernelsWithVariants();

/** What activations are stored as makes a difference where there are matrices. */
const CASES = Object.entries(ADAPTERS).flatMap(([adapter, caps]) =>
  (caps.subgroupMatrices.length > 0 ? STORED : (["f32"] as const)).flatMap((dtype) =>
    kernels.flatMap(({ name, variants }) => {
      return SHAPES[name]!.map((shape) => {
        const found = variants.of(caps, shape, dtype);
        const { row } = tableChoice(caps, variants, shape, found);
        return { adapter, caps, kernel: name, choice: variants, shape, variants: found, row };
      });
    }),
  ),
);

describe("the tables of variants", () => {
  it("speak of every kernel, adapter and shape", () => {
    const silent = CASES.filter(({ row }) => row === undefined);
    expect(
      silent.map(({ kernel, adapter, shape, choice }) => `${kernel} on ${adapter}, ${choice.describe(shape)}`),
    ).toEqual([]);
  });

  it("have no row that is never used", () => {
    const used = new Set(CASES.map(({ row }) => row));
    const rows = kernels.flatMap(({ name, variants }) => variants.table.map((row) => [name, row] as const));
    const shown = ([kernel, { adapter, variant, why }]: readonly [string, TableRow]) =>
      `${kernel} on ${adapter}: ${variant}, ${why}`;
    expect(rows.filter(([, row]) => !used.has(row)).map(shown)).toEqual([]);
  });

  it("say why, and claim to have measured only on software adapters", () => {
    for (const { adapter, why, measured } of kernels.flatMap(({ variants }) => variants.table)) {
      expect(why.length).toBeGreaterThan(5);
      expect(measured === undefined || adapter === "software").toBe(true);
    }
  });
});

describe("the variants of a kernel", () => {
  it("have different names and stay within the adapter's limits", () => {
    const bad: string[] = [];
    for (const { adapter, caps, kernel, variants } of CASES) {
      const names = new Set(variants.map(({ name }) => name));
      for (const { name, constants } of variants) {
        const { WORKGROUP = 64, LANES = 1, TILE_C = LANES } = constants;
        const fits = WORKGROUP <= caps.maxWorkgroupInvocations && LANES <= caps.subgroupMinSize && TILE_C % LANES === 0;
        const whole = Object.values(constants).every(Number.isInteger);
        if (!fits || !whole || names.size !== variants.length) bad.push(`${kernel} ${name} on ${adapter}`);
      }
    }
    expect(bad).toEqual([]);
  });

  it("are plain data, several for each kernel", () => {
    for (const { kernel, variants } of CASES) {
      expect(isDeepStrictEqual(structuredClone(variants), variants), kernel).toBe(true);
      expect(variants.length, kernel).toBeGreaterThan(1);
    }
  });

  it("differ in their keys exactly where shapes do", () => {
    for (const { name, variants } of kernels) {
      const shapes = SHAPES[name]!;
      const keys = shapes.map((shape) => choose(ADAPTERS.NVIDIA!, variants, shape, "f32").call.key);
      const relevant = new Set(shapes.map((shape) => JSON.stringify(shape)));
      expect(new Set(keys).size).toBe(relevant.size);
    }
  });
});

describe("choices found by timing", () => {
  const [choice, shape] = [kernelWithVariants("groupNorm").variants, SHAPES.groupNorm![0]!];
  const key = "groupNorm 2x64x5, 1 groups, silu";

  it("go before the table", () => {
    const { variant, call } = choose({ ...ADAPTERS.NVIDIA!, choices: { [key]: "runs of 128" } }, choice, shape, "f32");
    expect(variant.constants).toEqual({ runLength: 128 });
    expect(call).toEqual({
      kernel: "groupNorm",
      key,
      shape,
      dtype: "f32",
      variant: "runs of 128",
      fallback: "whole w256",
    });
  });

  it("are left aside where this version or adapter has no such variant, or the shape is another", () => {
    const others: Record<string, string>[] = [
      { [key]: "runs of 7" },
      { [`${key} f16`]: "runs of 8" },
      { [key.replace("64", "65")]: "runs of 8" },
    ];
    for (const choices of others) {
      expect(choose({ ...ADAPTERS.NVIDIA!, choices }, choice, shape, "f32").variant.name).toBe("whole w256");
    }
  });
});
