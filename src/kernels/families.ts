import { attentionFamily, attentionGradFamily } from "./attentionFamily.ts";
import { gradWeightFamily } from "./conv3dGradWeightFamily.ts";
import { conv3dFamily, convTranspose3dFamily } from "./conv3dFamily.ts";
import { groupNormFamily, groupNormGradFamily } from "./groupNormFamily.ts";
import { resampleFamily, rotateOctahedralFamily } from "./rotationFamily.ts";
import { twirlMergeFamily } from "./twirlFamily.ts";
import type { VariantFamily } from "./variant.ts";

/** Every kernel that has variants to choose from. */
export const families: readonly VariantFamily[] = [
  conv3dFamily,
  convTranspose3dFamily,
  gradWeightFamily,
  groupNormFamily,
  groupNormGradFamily,
  attentionFamily,
  attentionGradFamily,
  twirlMergeFamily,
  resampleFamily,
  rotateOctahedralFamily,
];
