import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import { fusedFits } from "./attentionFused.ts";
import { laneVariants, productTable, productVariants } from "../matmul/matmulVariants.ts";
import type { LaneTile } from "../matmul/panel.ts";
import { hasLanes } from "../lanes.ts";
import type { AttentionShape } from "./attentionSizes.ts";
import { onLavapipe, type Variant, type VariantChoice } from "../kernel.ts";

/** TILE_ROWS x TILE_COLUMNS of attentionFused.wgsl, on the adapters that it is for. */
const FUSED = [
  [16, 4],
  [16, 8],
] as const;

/** The tile of a variant of attentionFused.wgsl. */
export function fusedTileOf({ shader, constants }: Variant): LaneTile | undefined {
  return shader === attentionFusedShader.name ? (constants as LaneTile) : undefined;
}

function products(caps: GpuCaps, { tokens, channels }: AttentionShape, dtype: DType): Variant[] {
  return productVariants(caps, { rows: tokens, columns: channels }, dtype);
}

function describe({ samples, copies, heads, tokens, channels, biased, masked }: AttentionShape): string {
  const sizes = `${samples}x${tokens}x${channels}${heads > 1 ? ` heads ${heads}` : ""}`;
  return `${sizes}${biased ? " biased" : ""}${masked ? " masked" : ""}${copies > 1 ? ` copies ${copies}` : ""}`;
}

export const attentionVariants: VariantChoice<AttentionShape> = {
  kernel: "attention",
  of(caps, shape, dtype) {
    const fused = hasLanes(caps) && fusedFits(shape) ? laneVariants("fused", attentionFusedShader.name, FUSED) : [];
    return [...fused, ...products(caps, shape, dtype)];
  },
  table: [
    onLavapipe("fused 16x4", "64x512 0.35 ms, 512x128 2.9, 4096x64 100; panel 1.2, 4.7, 151; broadcast 0.8, 6.8, 213"),
    onLavapipe("held 64x64", "where the channels are too many to keep; elsewhere up to a third slower"),
    ...productTable,
  ],
  describe,
};

export const attentionGradVariants: VariantChoice<AttentionShape> = {
  kernel: "attentionGrad",
  of: products,
  table: [
    {
      ...onLavapipe("held 32x64", "8 samples, 4 heads of 76x32 a fifth less than what holds 64 rows"),
      when: ({ channels }) => channels <= 32,
    },
    onLavapipe("held 64x64", "64x512, 512x128 and 8 heads of 256x64 a fifth to a third less than panel 16x4"),
    ...productTable,
  ],
  describe,
};

/** Several tiles of keys, edges of tiles, a single token, heads, biases and masks. */
const shapes: readonly AttentionShape[] = [
  { samples: 2, copies: 1, heads: 1, tokens: 300, channels: 20, biased: 0, masked: 0 },
  { samples: 1, copies: 1, heads: 1, tokens: 1, channels: 3, biased: 0, masked: 0 },
  { samples: 1, copies: 1, heads: 1, tokens: 45, channels: 70, biased: 0, masked: 0 },
  { samples: 2, copies: 1, heads: 3, tokens: 37, channels: 6, biased: 1, masked: 1 },
];

/** What tests run, forward: copies that share biases or masks, too. */
export const attentionShapes: readonly AttentionShape[] = [
  ...shapes,
  { samples: 2, copies: 2, heads: 2, tokens: 268, channels: 16, biased: 1, masked: 0 },
  { samples: 6, copies: 3, heads: 2, tokens: 40, channels: 5, biased: 0, masked: 1 },
];

/** And backward. */
export const attentionGradShapes: readonly AttentionShape[] = [
  ...shapes,
  { samples: 1, copies: 1, heads: 2, tokens: 268, channels: 16, biased: 1, masked: 0 },
  { samples: 2, copies: 1, heads: 2, tokens: 40, channels: 5, biased: 0, masked: 1 },
];
