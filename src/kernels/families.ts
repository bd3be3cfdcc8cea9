import { attentionGradVariants, attentionVariants } from "./attentionVariants.ts";
import { gradWeightVariants } from "./conv3dGradWeightVariants.ts";
import { conv3dVariants, convTranspose3dVariants } from "./conv3dVariants.ts";
import { groupNormGradVariants, groupNormVariants } from "./groupNormVariants.ts";
import { resampleVariants, rotateOctahedralVariants } from "./rotationVariants.ts";
import { twirlMergeVariants } from "./twirlVariants.ts";
import type { CallShape, VariantFamily } from "./variant.ts";

/** Every kernel that has variants to choose from. */
export const families = [
  conv3dVariants,
  convTranspose3dVariants,
  gradWeightVariants,
  groupNormVariants,
  groupNormGradVariants,
  attentionVariants,
  attentionGradVariants,
  twirlMergeVariants,
  resampleVariants,
  rotateOctahedralVariants,
] as unknown as readonly VariantFamily<CallShape>[];
