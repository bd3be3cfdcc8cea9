import { VoxelEvaluator } from "../../src/tasks/voxels/voxelEvaluator.ts";
import { OCTAHEDRAL_ORDER, octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { prepareDataset } from "../../src/molecules/dataset.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig, type VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { streams } from "../../src/tasks/voxels/streams.ts";
import type { BenchCase, CaseData, Expected, OpenCase } from "../case.ts";
import { denoiserFlops } from "../denoiserLayers.ts";
import { variantOf } from "../graphCase.ts";

/**
 * One molecule's whole evaluation, from its atoms to the terms of its loss, with all rotations or ten of them. Peers
 * begin with the grids that ours made of the atoms.
 */
export function measureCases(): BenchCase[] {
  return [measureCase(presets.tiny!, 24), measureCase(presets.tiny!, 10), measureCase(presets.small!, 24)];
}

function measureCase(config: VoxelConfig, rotations: number): BenchCase {
  const { preset, grid, elements, precision } = config;
  const half = precision === "f16";
  const values = grid ** 3 * elements.length;
  // The evaluation's own predictions, which the terms are checked with.
  let predicted: Twisted | undefined;
  return {
    name: `measure/${preset}/${rotations}${half ? "/f16" : ""}`,
    suite: "measure",
    shape: `one molecule, ${rotations} rotations, ${elements.length} channels at ${grid}^3`,
    flops: rotations * denoiserFlops(unetConfig(config), grid),
    // A rotated input and a prediction for each rotation.
    bytes: 8 * rotations * values,
    tolerance: 1e-5,
    ...(!half && {
      peers: {
        operation: "evaluation" as const,
        attributes: { groups: config.groups },
        inputs: [
          ...["noisy", "clean"].map((name) => ({ name, shape: [1, grid, grid, grid, elements.length] })),
          { name: "matrices", shape: [rotations, 9] },
          ...unetParameters(unetConfig(config)).map(({ name, shape }) => ({ name, shape })),
        ].map((input) => ({ ...input, made: true as const })),
        outputs: [{ name: "terms", shape: [4] }],
      },
    }),
    data: () => new Map(),
    open: (gpu) => open(gpu, config, rotations, (twisted) => (predicted = twisted)),
    expected: () => terms(predicted!, values),
    ...(half
      ? { precision: "f16" as const }
      : { inHalf: () => measureCase({ ...config, precision: "f16" }, rotations) }),
  };
}

type Twisted = Awaited<ReturnType<VoxelEvaluator["twisted"]>>;

async function open(
  gpu: Gpu,
  config: VoxelConfig,
  rotations: number,
  onPredicted: (twisted: Twisted) => void,
): Promise<OpenCase> {
  const model = unetConfig(config);
  const { heldout } = prepareDataset(builtinMolecules(), { ...config, heldout: 1 });
  const parameters = unetParameters(model);
  const store = new ParameterStore(gpu, parameters, ["weights"]);
  initialise(store, parameters, config.seed);
  const { grid, elements, resolution, sigma, shift, seed, precision } = config;
  let graph: Graph | undefined;
  let made: CaseData | undefined;
  await gpu.finish();
  const start = performance.now();
  const evaluator = await VoxelEvaluator.create(
    gpu,
    {
      molecules: heldout,
      grid,
      channels: elements.length,
      resolution,
      sigma,
      shift,
      seed,
      precision,
      twirl: rotations,
      keepPredictions: true,
      streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    },
    (made, x) => {
      graph = made;
      return unet3d(made, model, x, { parameter: store.bind(made, { constants: "weights" }) });
    },
  );
  const compileMs = performance.now() - start;
  return {
    compileMs,
    variant: variantOf(graph!),
    sets: 1,
    run: (timer) => (timer ? evaluator.plan.runTimed(timer) : evaluator.plan.run()),
    outputs: async () => {
      // From here on replays are about this molecule and its rotations; before, every rotation was the identity.
      const { lossTotal, lossMean, lossEquiv, lossZero } = await evaluator.evaluate();
      const twisted = await evaluator.twisted(0);
      onPredicted(twisted);
      const matrices = Float32Array.from(twisted.elements.flatMap((element) => [...octahedralMatrices[element]!]));
      made = new Map([
        ...(await store.readAll()),
        ["noisy", twisted.noisy as Float32Array<ArrayBuffer>],
        ["clean", twisted.clean as Float32Array<ArrayBuffer>],
        ["matrices", matrices],
      ]);
      return new Map([["terms", [lossTotal, lossMean, lossEquiv, lossZero]]]);
    },
    madeInputs: () => made!,
    destroy: () => {
      evaluator.destroy();
      store.destroy();
    },
  };
}

/** The terms of the loss in float64 from the twisted predictions themselves. */
function terms({ predictions, clean }: Twisted, values: number): Expected[] {
  const count = predictions.length;
  let meanError = 0;
  let spread = 0;
  let zero = 0;
  for (let i = 0; i < values; i++) {
    let mean = 0;
    for (const f of predictions) mean += f[i]! / count;
    for (const f of predictions) spread += (f[i]! - mean) ** 2;
    meanError += (mean - clean[i]!) ** 2;
    zero += clean[i]! ** 2;
  }
  const total = (meanError + spread / count) / values;
  // Different elements of a group of M: the variance is (M - 1) / M of that of independent draws.
  const equiv = ((OCTAHEDRAL_ORDER - 1) / OCTAHEDRAL_ORDER) * (spread / (count - 1) / values);
  return [{ output: "terms", values: [total, total - equiv, equiv, zero / values] }];
}
