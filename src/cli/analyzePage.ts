import type { Analysis, AnalysisResults } from "../analysis/results.ts";
import type { Loss } from "../equivariance/losses.ts";
import { formatCount } from "../report/format.ts";
import { renderAnalysis } from "../report/analysisPage.ts";
import type { ModelData } from "./modelData.ts";

declare const VOXTWIRL_VERSION: string;

/** What a page shows besides the model and its samples. */
export interface AnalysisPageOptions {
  readonly what: readonly Analysis[];
  readonly results: AnalysisResults;
  /** As `--data` has it. */
  readonly data: string;
  readonly rotations: number;
  readonly loss: Loss;
}

/** The page of an analysis, as HTML. */
export function analysisPage(of: ModelData, { what, results, data, rotations, loss }: AnalysisPageOptions): string {
  const { model, packed, chosen, heldoutOnly, left, seed } = of;
  const { landscape } = results;
  return renderAnalysis({
    title: `${model.config.training.preset} after ${formatCount(model.step)} steps`,
    what,
    results,
    lossPer: of.task.lossPer,
    notes:
      heldoutOnly || model.config.data.sha256 === ""
        ? []
        : [`The model was trained on another file: ${of.task.takes}s that both hold are not left out.`],
    facts: [
      ["model", model.path],
      ["preset", model.config.training.preset],
      ["step", formatCount(model.step)],
      [`${of.task.takes}s`, `${data}${heldoutOnly ? ", held-out part" : ""}`],
      ["of them used", `${formatCount(chosen.length)} of ${formatCount(packed.count)}`],
      ...(landscape ? [["for the curvature", formatCount(landscape.samples)] as const] : []),
      ...(left > 0 ? [["left out", formatCount(left)] as const] : []),
      ["rotations of each", `${rotations}, of the cube`],
      ["loss", lossFact(loss)],
      ["seed of poses, noise and draws", String(seed)],
      ["precision", "f32"],
      ["voxtwirl", VOXTWIRL_VERSION],
    ],
  });
}

function lossFact({ name, split, elementwise }: Loss): string {
  const delta = elementwise?.kind === "huber" ? `, delta ${elementwise.delta}` : "";
  return `${name}${delta}${split === "exact" ? "" : "; no exact split: L_equiv is the gap L - L_mean"}`;
}
