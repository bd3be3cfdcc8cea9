import type { GradientResult } from "./gradients.ts";
import type { Landscape } from "./landscape.ts";
import type { LatentResult } from "./latents.ts";
import type { ParameterSpace } from "./parameterSpace.ts";
import type { TermSlices } from "./termSlices.ts";

/** What can be analysed. */
export const ANALYSES = ["gradients", "landscape", "parameters", "latents"] as const;
/** One of the analyses of a trained model. */
export type Analysis = (typeof ANALYSES)[number];

/** What was found, of what was asked for; an analysis that was stopped before it knew anything is not there. */
export interface AnalysisResults {
  readonly gradients?: GradientResult;
  readonly landscape?: Landscape;
  /** Of the landscape, where they are asked for. */
  readonly slices?: TermSlices;
  readonly parameters?: ParameterSpace;
  readonly latents?: LatentResult & { readonly interrupted: boolean };
}
