import { describe, expect, it } from "vitest";
import type { AdapterClass, GpuCaps } from "../../src/gpu/caps.ts";
import { families } from "../../src/kernels/families.ts";
import { choose, isNamed, type CallShape } from "../../src/kernels/variant.ts";
import { variantTable } from "../../src/kernels/variantTable.ts";
import { STORED } from "./half.ts";

const base = { maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 30, f16: true, matrices: [] };
const lanes = (min: number, max = min) => ({ subgroups: min > 1, subgroupMinSize: min, subgroupMaxSize: max });

const SQUARE = { m: 16, n: 16, k: 16 };

/** Adapters of every class, with subgroups of known sizes, of unknown ones, and without; with matrices and without. */
const ADAPTERS: Record<string, GpuCaps> = {
  lavapipe: { ...base, adapterClass: "software", ...lanes(8) },
  SwiftShader: { ...base, adapterClass: "software", ...lanes(4) },
  "software without subgroups": { ...base, adapterClass: "software", ...lanes(1) },
  NVIDIA: { ...base, adapterClass: "discrete", ...lanes(32) },
  AMD: { ...base, adapterClass: "discrete", ...lanes(32, 64) },
  Intel: { ...base, adapterClass: "integrated", ...lanes(8, 32) },
  Apple: { ...base, adapterClass: "apple", ...lanes(4, 64) },
  unknown: { ...base, adapterClass: "unknown", ...lanes(1) },
  "lavapipe with matrices": { ...base, adapterClass: "software", ...lanes(8), matrices: [{ m: 8, n: 8, k: 8 }] },
  "NVIDIA with matrices": {
    ...base,
    ...{ adapterClass: "discrete", ...lanes(32), maxWorkgroupInvocations: 1024 },
    matrices: [SQUARE, { m: 16, n: 8, k: 16 }, { m: 16, n: 8, k: 8 }],
  },
  "Intel with matrices": {
    ...base,
    adapterClass: "integrated",
    ...lanes(16),
    matrices: [{ m: 8, n: 16, k: 16 }, SQUARE],
  },
  "Apple with matrices": { ...base, adapterClass: "apple", ...lanes(32), matrices: [{ m: 8, n: 8, k: 8 }] },
  "unknown with matrices": { ...base, adapterClass: "unknown", ...lanes(64), matrices: [SQUARE] },
  "with small workgroups": { ...base, adapterClass: "unknown", ...lanes(1), maxWorkgroupInvocations: 128 },
};

const forward: CallShape[] = [1, 2, 3, 4].flatMap((kernel) =>
  [1, 2].flatMap((stride) =>
    [0, 1].flatMap((pad) =>
      [4, 8, 16].flatMap((size) =>
        [8, 16, 20, 40].map((outC) => {
          const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
          const sizes = { inD: size, inH: size, inW: size, outD: out, outH: out, outW: out };
          return { batch: 2, ...sizes, inC: 5, outC, kernel, stride, pad, exchanged: 0, flipped: 0, transposed: 0 };
        }),
      ),
    ),
  ),
);

const convolutions = forward.flatMap((shape) => [shape, { ...shape, exchanged: 1 }]);

/** Shapes of every class that the table knows. */
const SHAPES: Record<string, readonly CallShape[]> = {
  conv3d: convolutions,
  convTranspose3d: convolutions,
  conv3dGradWeight: [
    ...convolutions,
    ...convolutions.map((shape) => ({ ...shape, inC: 12 })),
    ...convolutions.map((shape) => ({ ...shape, inC: 128, outC: 128 })),
  ],
  groupNorm: [5, 8, 512].map((channels) => ({ samples: 2, voxels: 64, channels, groups: 1, silu: 1 })),
  groupNormGrad: [5, 8, 512].map((channels) => ({ samples: 2, voxels: 64, channels, groups: 1, silu: 0 })),
  attention: [64, 512].map((tokens) => ({ samples: 2, tokens, channels: 32 })),
  attentionGrad: [64, 512].map((tokens) => ({ samples: 2, tokens, channels: 32 })),
  twirlMerge: [5, 8].map((channels) => {
    return { samples: 1, size: 16, channels, rotations: 24, goesOn: 0, reduced: 1, targeted: 1 };
  }),
  resample: [0, 1].map((cubic) => ({ samples: 2, size: 16, channels: 8, cubic })),
  rotateOctahedral: [1, 24].map((each) => ({ samples: 2, size: 16, channels: 8, each, perSample: 0 })),
};

/** What activations are stored as makes a difference where there are matrices. */
const CASES = Object.entries(ADAPTERS).flatMap(([adapter, caps]) =>
  (caps.matrices.length > 0 ? STORED : (["f32"] as const)).flatMap((dtype) =>
    families.flatMap((family) => SHAPES[family.kernel]!.map((shape) => ({ adapter, caps, family, shape, dtype }))),
  ),
);

describe("the table of variants", () => {
  it("speaks of every kernel, adapter and shape", () => {
    for (const { adapter, caps, family, shape, dtype } of CASES) {
      const { variant } = choose(caps, family, shape, dtype);
      const row = variantTable.find(
        ([kernel, of, begin, name]) =>
          kernel === family.kernel &&
          (of === "any" || of === caps.adapterClass) &&
          family.shapeClass(shape).startsWith(begin) &&
          family.variants(caps, shape, dtype).some((other) => isNamed(other, name)),
      );
      expect(row && isNamed(variant, row[3]), `${family.kernel} on ${adapter}, ${family.describe(shape)}`).toBe(true);
    }
  });

  it("has no row that is never used", () => {
    const used = new Set<string>();
    for (const { caps, family, shape, dtype } of CASES) {
      const { variant } = choose(caps, family, shape, dtype);
      const row = variantTable.findIndex(
        ([kernel, of, begin, name]) =>
          kernel === family.kernel &&
          (of === "any" || of === caps.adapterClass) &&
          family.shapeClass(shape).startsWith(begin) &&
          isNamed(variant, name),
      );
      used.add(variantTable[row]!.join(" | "));
    }
    expect(variantTable.map((row) => row.join(" | ")).filter((row) => !used.has(row))).toEqual([]);
  });

  it("knows every kernel and every class of adapter by name", () => {
    const classes: (AdapterClass | "any")[] = ["any", "software", "discrete", "integrated", "apple", "unknown"];
    const kernels = families.map(({ kernel }) => kernel);
    expect(variantTable.filter(([kernel, adapter]) => !kernels.includes(kernel) || !classes.includes(adapter))).toEqual(
      [],
    );
  });
});

describe("the variants of a kernel", () => {
  it("have different names and stay within the adapter's limits", () => {
    const bad: string[] = [];
    for (const { adapter, caps, family, shape, dtype } of CASES) {
      const variants = family.variants(caps, shape, dtype);
      const names = new Set(variants.map(({ name }) => name));
      for (const { name, constants } of variants) {
        const { WORKGROUP = 64, LANES = 1, TILE_C = LANES } = constants;
        const fits = WORKGROUP <= caps.maxWorkgroupInvocations && LANES <= caps.subgroupMinSize && TILE_C % LANES === 0;
        const whole = Object.values(constants).every(Number.isInteger);
        if (!fits || !whole || names.size !== variants.length) bad.push(`${family.kernel} ${name} on ${adapter}`);
      }
    }
    expect(bad).toEqual([]);
  });

  it("are plain data, several for each kernel", () => {
    for (const { caps, family, shape, dtype } of CASES) {
      const variants = family.variants(caps, shape, dtype);
      expect(structuredClone(variants)).toEqual(variants);
      expect(variants.length, family.kernel).toBeGreaterThan(1);
    }
  });

  it("differ in their keys exactly where shapes do", () => {
    for (const family of families) {
      const shapes = SHAPES[family.kernel]!;
      const keys = shapes.map((shape) => choose(ADAPTERS.NVIDIA!, family, shape, "f32").call.key);
      const relevant = new Set(shapes.map((shape) => JSON.stringify(shape)));
      expect(new Set(keys).size).toBe(relevant.size);
    }
  });
});

describe("choices found by timing", () => {
  const [family, shape] = [families.find(({ kernel }) => kernel === "groupNorm")!, SHAPES.groupNorm![0]!];
  const key = "groupNorm 2x64x5, 1 groups, silu";

  it("go before the table", () => {
    const { variant, call } = choose({ ...ADAPTERS.NVIDIA!, choices: { [key]: "runs of 128" } }, family, shape, "f32");
    expect(variant.constants).toEqual({ run: 128 });
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
      expect(choose({ ...ADAPTERS.NVIDIA!, choices }, family, shape, "f32").variant.name).toBe("whole w256");
    }
  });
});
