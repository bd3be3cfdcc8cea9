import { requireGpu, requireGraph, requireMethod, requireObject } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { elementCount } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import { samplePose } from "../../kernels/samplePose.ts";
import { energyLoss, forceLoss } from "../../kernels/structures/forceFieldLoss.ts";
import { countAtoms, placeTargets } from "../../kernels/structures/placeStructures.ts";
import { escaip } from "../../models/escaip.ts";
import { escaipParameters } from "../../models/escaipLayout.ts";
import { elementSymbol } from "../../molecules/elements.ts";
import type { Molecule } from "../../molecules/molecule.ts";
import { formatCount, formatLoss } from "../../report/format.ts";
import { formatRatio, percentText } from "../../report/table.ts";
import type { ReportTable } from "../../report/types.ts";
import type { EvaluationContext, StepContext, Task } from "../../training/task.ts";
import { posedStructures, reverseEdges, structureTensors, uploadStructures } from "./atomicGraph.ts";
import { checkForceConfig, forceOptions, FORCES, requireForceConfig, type ForceConfig } from "./forceConfig.ts";
import { ForceEvaluator } from "./forceEvaluator.ts";
import type { ElementResult } from "./forceTally.ts";
import { openStructures, packStructures, type PackedStructures } from "./packStructures.ts";
import { presets, slowPresets } from "./presets.ts";
import { streams } from "./streams.ts";

/**
 * EScAIP's force field (arXiv 2410.24169): energies and direct forces of molecules. Its loss is energyWeight times the
 * mean absolute error of the energies and forceWeight times the mean norm of the errors of the forces, both of
 * normalised labels.
 */
export const forces: Task<ForceConfig, PackedStructures, ForceEvaluator, Molecule> = {
  name: FORCES,
  takes: "molecule",
  builtin: "builtin-forces",
  presets,
  slowPresets,
  options: forceOptions,
  check: checkForceConfig,
  open(molecules, config) {
    requireForceConfig(config);
    return openStructures(molecules, config);
  },
  pack: packStructures,
  parameters: escaipParameters,
  step,
  evaluator,
  async report(evaluation) {
    requireMethod("evaluation", evaluation, "byElement", "Give a ForceEvaluator.");
    return {
      subject: "A force field",
      lossPer: FORCE_LOSS_PER,
      otherLoss: true,
      tables: [elementTable(await evaluation.byElement())],
    };
  },
};

/** What losses are means over. */
export const FORCE_LOSS_PER = "component of the forces, in (eV/A)\u00b2";

function elementTable(found: readonly ElementResult[]): ReportTable {
  const rows = found.map(({ element, atoms, lossTotal, lossZero, percentEquiv, percentEquivStdErr }) => [
    elementSymbol(element),
    formatCount(atoms),
    formatLoss(lossTotal),
    formatRatio(lossTotal / lossZero),
    percentText({ percentEquiv, percentEquivStdErr }),
  ]);
  return {
    title: "Forces by element",
    head: ["element", "atoms", "lossTotal", "total / zero", "percentEquiv"],
    rows,
    caption: "Of the last evaluation: means per component over the held-out atoms of each element.",
  };
}

function step(graph: Graph, context: StepContext<ForceConfig, PackedStructures>): void {
  requireGraph("graph", graph);
  requireObject("context", context, "Give { config, data, upload, parameter, loss, parts }.");
  const { config, data, upload, parameter, loss, scaling, parts } = context;
  requireForceConfig(config);
  const { batch, augment, energyWeight, forceWeight } = config;
  const structures = structureTensors(graph, uploadStructures(upload, "train", data));
  const { offsets, places } = structures;
  const labels = {
    forces: graph.external("forces", [data.forces.length / 4, 4], upload("train forces", data.forces)),
    energies: graph.external("energies", [data.count], upload("train energies", data.energies)),
  };
  const atomCount = graph.scratch("atom count", [1]);
  graph.inPhase("data", () => {
    graph.clear(atomCount);
    for (const { chosen } of parts) countAtoms(graph, { label: "atom count", offsets, chosen, total: atomCount });
  });
  for (const { chosen, step } of parts) {
    const b = elementCount(chosen.shape);
    const poses = graph.scratch("poses", [b, 12]);
    const energyTargets = graph.scratch("energy targets", [b]);
    const forceTargets = graph.scratch("force targets", [b, places, 3]);
    graph.inPhase("data", () => {
      const pose = { poses, shift: 0, rotate: augment, stream: streams.trainPose, step };
      samplePose(graph, { label: "poses", ...pose });
      const targets = { offsets, chosen, poses, forceTargets, energyTargets };
      placeTargets(graph, { label: "targets", ...labels, ...targets });
    });
    const atomic = posedStructures(graph, { structures, chosen, poses, rule: config });
    reverseEdges(graph, atomic);
    const dropout = { step, stream: streams.dropout };
    const predicted = escaip(graph, config, atomic, { parameter, dropout });
    const gradEnergies = graph.scratch("energies grad", [b]);
    const gradForces = graph.scratch("forces grad", [b, places, 3]);
    energyLoss(graph, {
      ...{ label: "energy loss", energies: predicted.energies, targets: energyTargets, gradEnergies, loss, scaling },
      scale: energyWeight / batch,
    });
    forceLoss(graph, {
      ...{ label: "force loss", forces: predicted.forces, targets: forceTargets, gradForces, loss, scaling },
      ...{ counts: atomic.counts, atomCount, scale: forceWeight },
    });
    graph.backward(predicted.forces, gradForces, [{ output: predicted.energies, gradOutput: gradEnergies }]);
  }
}

/** Averaged weights on held-out structures under rotations. */
function evaluator(gpu: Gpu, context: EvaluationContext<ForceConfig, PackedStructures>): Promise<ForceEvaluator> {
  requireGpu(gpu);
  requireObject("context", context, "Give { config, store, heldout }.");
  const { config, store, heldout, chunk } = context;
  requireForceConfig(config);
  const { group, twirl: rotations, seed, precision } = config;
  return ForceEvaluator.create(gpu, {
    ...{ config, structures: heldout, group, rotations, seed, precision, chunk },
    parameters: (graph) => store.bind(graph, { constants: "ema" }),
  });
}
