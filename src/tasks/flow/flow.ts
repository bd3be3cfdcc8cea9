import { requireGpu, requireGraph, requireMethod, requireObject } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { elementCount, type Tensor } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import { chainTokens } from "../../kernels/flow/chainTokens.ts";
import { chainWindows } from "../../kernels/flow/chainWindows.ts";
import { flowLoss } from "../../kernels/flow/flowLoss.ts";
import { flowPath } from "../../kernels/flow/flowPath.ts";
import { flowTimes } from "../../kernels/flow/flowTimes.ts";
import { placeChains } from "../../kernels/flow/placeChains.ts";
import { selfCondition, selfConditions } from "../../kernels/flow/selfCondition.ts";
import { timeEmbedding, timeFrequencies } from "../../kernels/flow/timeEmbedding.ts";
import { samplePose } from "../../kernels/samplePose.ts";
import { chainArrays, placeTable } from "../../models/flowInputs.ts";
import { flowNet, type FlowInputs } from "../../models/flowNet.ts";
import { flowNetParameters, placeNumbers } from "../../models/flowNetLayout.ts";
import type { Chain } from "../../proteins/chain.ts";
import { formatLoss } from "../../report/format.ts";
import { formatRatio, percentText } from "../../report/table.ts";
import type { ReportTable } from "../../report/types.ts";
import type { EvaluationContext, MicroBatch, StepContext, Task } from "../../training/task.ts";
import { chainSide } from "./chainSide.ts";
import { checkFlowConfig, FLOW, flowOptions, requireFlowConfig, type FlowConfig } from "./flowConfig.ts";
import { FlowEvaluator } from "./flowEvaluator.ts";
import type { TimePart } from "./flowTally.ts";
import { openBackbones, packBackbones, type PackedBackbones } from "./packFlow.ts";
import { presets, slowPresets } from "./presets.ts";
import { streams } from "./streams.ts";

/**
 * Flow matching of C-alpha backbones, after Proteina (arXiv 2503.00710): a transformer that says from where between
 * noise and data a chain came, and so where it goes. Its loss is the squared error of the velocity per coordinate.
 */
export const flow: Task<FlowConfig, PackedBackbones, FlowEvaluator, Chain> = {
  name: FLOW,
  takes: "chain",
  builtin: "builtin-backbones",
  presets,
  slowPresets,
  options: flowOptions,
  check: checkFlowConfig,
  open(chains, config) {
    requireFlowConfig(config);
    return openBackbones(chains, config);
  },
  pack: packBackbones,
  parameters: flowNetParameters,
  step,
  isWhole(config, step) {
    requireFlowConfig(config);
    const { seed, selfCondition: probability } = config;
    return selfConditions({ seed, step, stream: streams.selfCondition, probability });
  },
  evaluator,
  async report(evaluation) {
    requireMethod("evaluation", evaluation, "byTime", "Give a FlowEvaluator.");
    return {
      subject: "A flow-matching model of protein backbones",
      samples: "chains",
      lossPer: FLOW_LOSS_PER,
      tables: [timeTable(await evaluation.byTime())],
    };
  },
};

/** What losses are means over. */
export const FLOW_LOSS_PER = "coordinate of the velocities, in nm\u00b2";

function timeTable(parts: readonly TimePart[]): ReportTable {
  const rows = parts.map(({ times, measured, lossWiener }) => {
    const { lossTotal, lossMean, lossEquiv, lossZero } = measured;
    return [
      times,
      ...[lossTotal, lossMean, lossEquiv, lossZero, lossWiener].map(formatLoss),
      formatRatio(lossTotal / lossWiener),
      percentText(measured),
    ];
  });
  return {
    title: "By time",
    head: ["time", ...["lossTotal", "lossMean", "lossEquiv", "lossZero"], "Wiener", "total / Wiener", "percentEquiv"],
    rows,
    caption:
      "Of the last evaluation: 0 is noise, 1 is data. Near 0 no net can know where a chain goes, so most of lossMean " +
      "there is irreducible. Wiener is the best linear filter of the training chains, which is exactly equivariant.",
  };
}

/** A graph's tensors of the training chains, and what does not change from one batch to the next. */
interface ChainTensors {
  readonly positions: Tensor;
  readonly axes: Tensor | undefined;
  readonly breaks: Tensor;
  readonly offsets: Tensor;
  readonly placeTable: Tensor;
  readonly frequencies: Tensor;
  readonly chains: Tensor;
  readonly registerRows: Tensor;
}

function step(graph: Graph, context: StepContext<FlowConfig, PackedBackbones>): void {
  requireGraph("graph", graph);
  requireObject("context", context, "Give { config, data, upload, parameter, loss, parts }.");
  const { config, parameter, loss, scaling, parts } = context;
  requireFlowConfig(config);
  const chains = chainTensors(graph, context);
  for (const part of parts) {
    const { inputs, targets } = graph.inPhase("data", () => noisyChains(graph, context, chains, part));
    const label = "before";
    const before = graph.optional(() => flowNet(graph, config, inputs, { label, parameter }));
    const shape = inputs.x.shape;
    const told = {
      previous: graph.scratch("self-condition", shape),
      present: graph.scratch("self-condition present", [1]),
    };
    const coin = { step: part.step, stream: streams.selfCondition, probability: config.selfCondition };
    selfCondition(graph, { label: "self-condition", endpoints: before.endpoints, ...told, ...coin });
    const { endpoints } = flowNet(graph, config, { ...inputs, ...told }, { parameter });
    const gradX = graph.scratch("endpoints grad", shape);
    flowLoss(graph, {
      ...{ label: "loss", x: endpoints, targets, residues: inputs.residues, times: inputs.times, gradX, loss, scaling },
      ...{ losses: graph.scratch("chain losses", [shape[0]!]), scale: 1 / config.batch },
    });
    graph.backward(endpoints, gradX);
  }
}

function chainTensors(graph: Graph, { config, data, upload }: StepContext<FlowConfig, PackedBackbones>): ChainTensors {
  const { microBatch: b } = config;
  const { positions, axes, breaks, offsets } = data;
  const side = chainSide(config, config.crop);
  const places = side - config.registers;
  const { chains, registerRows } = chainArrays(config, { lengths: new Array<number>(b).fill(places), places });
  const table = placeTable(config, places);
  const frequencies = timeFrequencies(config.timeEmbedding / 2);
  return {
    positions: graph.external("positions", [breaks.length, 3], upload("train positions", positions)),
    axes: axes && graph.external("axes", [breaks.length, 9], upload("train axes", axes)),
    breaks: graph.external("breaks", [breaks.length], upload("train breaks", breaks)),
    offsets: graph.external("offsets", [offsets.length], upload("train offsets", offsets), "u32"),
    placeTable: graph.external("places", [places, config.indexEmbedding], upload("places", table)),
    frequencies: graph.external("frequencies", [frequencies.length / 2, 2], upload("frequencies", frequencies), "u32"),
    chains: graph.external("chains", [b + 1], upload("chains", chains)),
    registerRows: graph.external("register rows", [b, side], upload("register rows", registerRows), "u32"),
  };
}

/** Crops of the chosen chains in random poses, on their ways from noise. */
function noisyChains(
  graph: Graph,
  { config }: StepContext<FlowConfig, PackedBackbones>,
  of: ChainTensors,
  { chosen, step }: MicroBatch,
): { readonly inputs: FlowInputs; readonly targets: Tensor } {
  const { registers, crop, augment, timeAlpha, uniformShare } = config;
  const b = elementCount(chosen.shape);
  const side = chainSide(config, crop);
  const made = (label: string, shape: readonly number[], dtype?: "u32") => graph.scratch(label, shape, dtype);
  const windows = made("windows", [b, 2], "u32");
  const poses = made("poses", [b, 12]);
  const targets = made("targets", [b, side, 3]);
  const inputs = {
    x: made("x", [b, side, 3]),
    residues: made("residues", [b, side]),
    tokens: made("tokens", [b, side]),
    placeFeatures: made("place features", [b, side, placeNumbers(config)]),
    times: made("times", [b]),
    timeFeatures: made("time features", [b + 1, config.timeEmbedding]),
  };
  const { residues, times } = inputs;
  chainWindows(graph, {
    label: "windows",
    offsets: of.offsets,
    chosen,
    windows,
    places: crop,
    stream: streams.window,
    step,
  });
  samplePose(graph, { label: "poses", poses, shift: 0, rotate: augment, stream: streams.trainPose, step });
  placeChains(graph, {
    label: "targets",
    positions: of.positions,
    axes: of.axes,
    windows,
    poses,
    targets,
    residues,
    registers,
  });
  const { tokens, placeFeatures } = inputs;
  chainTokens(graph, { label: "tokens", windows, breaks: of.breaks, placeTable: of.placeTable, tokens, placeFeatures });
  flowTimes(graph, { label: "times", times, alpha: timeAlpha, uniformShare, stream: streams.time, step });
  timeEmbedding(graph, { label: "time features", times, frequencies: of.frequencies, features: inputs.timeFeatures });
  flowPath(graph, { label: "x", targets, residues, times, x: inputs.x, registers, stream: streams.noise, step });
  return { targets, inputs: { ...inputs, chains: of.chains, registerRows: of.registerRows } };
}

/** Averaged weights on held-out chains under rotations. */
function evaluator(gpu: Gpu, context: EvaluationContext<FlowConfig, PackedBackbones>): Promise<FlowEvaluator> {
  requireGpu(gpu);
  requireObject("context", context, "Give { config, store, heldout }.");
  const { config, store, heldout, chunk } = context;
  requireFlowConfig(config);
  const { group, twirl: rotations, seed, precision } = config;
  return FlowEvaluator.create(gpu, {
    ...{ config, chains: heldout, group, rotations, seed, precision, chunk },
    parameters: (graph) => store.bind(graph, { constants: "ema" }),
  });
}
