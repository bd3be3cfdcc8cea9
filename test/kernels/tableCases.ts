import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { CallShape } from "../../src/kernels/kernel.ts";

const base = { maxWorkgroupInvocations: 256, maxBindingBytes: 2 ** 30, f16: true, subgroupMatrices: [] };
const lanes = (min: number, max = min) => ({ subgroups: min > 1, subgroupMinSize: min, subgroupMaxSize: max });

const SQUARE = { m: 16, n: 16, k: 16 };

/** Adapters of every class, with subgroups of known sizes, of unknown ones, and without; with matrices and without. */
export const ADAPTERS: Record<string, GpuCaps> = {
  lavapipe: { ...base, adapterClass: "software", ...lanes(8) },
  SwiftShader: { ...base, adapterClass: "software", ...lanes(4), f16: false },
  "software without subgroups": { ...base, adapterClass: "software", ...lanes(1) },
  NVIDIA: { ...base, adapterClass: "discrete", ...lanes(32) },
  AMD: { ...base, adapterClass: "discrete", ...lanes(32, 64) },
  Intel: { ...base, adapterClass: "integrated", ...lanes(8, 32) },
  Apple: { ...base, adapterClass: "apple", ...lanes(4, 64) },
  unknown: { ...base, adapterClass: "unknown", ...lanes(1) },
  "lavapipe with matrices": {
    ...base,
    adapterClass: "software",
    ...lanes(8),
    subgroupMatrices: [{ m: 8, n: 8, k: 8 }],
  },
  "NVIDIA with matrices": {
    ...base,
    ...{ adapterClass: "discrete", ...lanes(32), maxWorkgroupInvocations: 1024 },
    subgroupMatrices: [SQUARE, { m: 16, n: 8, k: 16 }, { m: 16, n: 8, k: 8 }],
  },
  "Intel with matrices": {
    ...base,
    adapterClass: "integrated",
    ...lanes(16),
    subgroupMatrices: [{ m: 8, n: 16, k: 16 }, SQUARE],
  },
  "Apple with matrices": { ...base, adapterClass: "apple", ...lanes(32), subgroupMatrices: [{ m: 8, n: 8, k: 8 }] },
  "unknown with matrices": { ...base, adapterClass: "unknown", ...lanes(64), subgroupMatrices: [SQUARE] },
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

const lists: CallShape[] = [8, 20, 32].map((slots) => ({ atoms: 336, slots, heads: 4, head: 16, dropout: 0 }));

const pairBiases: CallShape[] = [1, 4, 8].flatMap((count) =>
  [5, 32, 256].map((columns) => ({ samples: 8, pairs: 5476, columns, heads: count })),
);

const heads = { samples: 2, copies: 1, heads: 1, biased: 0, masked: 0 };

/** Shapes of every kind that the tables tell apart. */
export const SHAPES: Record<string, readonly CallShape[]> = {
  neighbourAttention: lists,
  neighbourAttentionGrad: lists,
  conv3d: [12, 5, 40].flatMap((inC) => convolutions.map((shape) => ({ ...shape, inC }))),
  convTranspose3d: convolutions,
  conv3dGradWeight: [
    ...convolutions,
    ...convolutions.map((shape) => ({ ...shape, inC: 12 })),
    ...convolutions.map((shape) => ({ ...shape, inC: 128, outC: 128 })),
  ],
  groupNorm: [5, 8, 512].map((channels) => ({ samples: 2, voxels: 64, channels, groups: 1, silu: 1 })),
  groupNormGrad: [5, 8, 512].map((channels) => ({ samples: 2, voxels: 64, channels, groups: 1, silu: 0 })),
  layerNorm: [64, 512].map((channels) => ({ rows: 100, channels, rms: 0, affine: 2 })),
  layerNormGrad: [64, 512].map((channels) => ({ rows: 100, channels, rms: 1, affine: 1 })),
  attention: [32, 1024].map((channels) => ({ ...heads, tokens: 64, channels })),
  attentionGrad: [32, 64].map((channels) => ({ ...heads, tokens: 64, channels })),
  matmul: [16, 128].flatMap((depth) =>
    [16, 64].map((columns) => ({ samples: 2, rows: 64, columns, depth, transposeA: 0, transposeB: 1 })),
  ),
  pairBias: pairBiases,
  pairBiasGrad: pairBiases,
  neighbourList: [20, 100, 1000, 10_000].flatMap((atoms) =>
    [0, 1].map((counted) => ({ structures: 2, atoms, slots: 20, counted, periodic: 1 - counted })),
  ),
  twirlMerge: [5, 8].map((channels) => {
    return { samples: 1, size: 16, channels, rotations: 24, goesOn: 0, reduced: 1, targeted: 1 };
  }),
  resample: [0, 1].map((cubic) => ({ samples: 2, size: 16, channels: 8, cubic })),
  rotateOctahedral: [1, 24].map((each) => ({ samples: 2, size: 16, channels: 8, each, perSample: 0 })),
};
