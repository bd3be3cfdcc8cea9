import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import type { BenchCase } from "../case.ts";
import { denoiserFlops, denoiserLayers, layerFlops } from "../denoiserLayers.ts";
import type { Network } from "../network.ts";
import { forwardCase, trainCase } from "../networkCase.ts";
import { buildUnetU, unetU, unetUFlops, unetUParameters, unetUTraining } from "../unetU.ts";

/** Case U forward and a training step, and a training step of the preset tiny, against PyTorch in float64. */
export function unetCases(): BenchCase[] {
  const u = networkU();
  const tiny = networkTiny();
  const { lr, beta1, beta2, eps, weightDecay } = presets.tiny!;
  return [
    forwardCase({
      name: "unet/U",
      shape: "1 x 5 at 32^3, channels 32 64 128",
      network: u,
      operation: "unet",
      tolerance: TOLERANCE,
      halfTolerance: HALF_TOLERANCE,
      expected: async () => (await import("../golden/unetU.ts")).expectedUnetU("forward"),
    }),
    trainCase({
      name: "unet/U/train",
      shape: "a training step of U",
      network: u,
      operation: "unetTrain",
      tolerance: GRADIENT_TOLERANCE,
      halfTolerance: HALF_GRADIENT_TOLERANCE,
      training: unetUTraining,
      expected: async () => (await import("../golden/unetU.ts")).expectedUnetU("train"),
    }),
    trainCase({
      name: "unet/tiny/train",
      shape: "a training step of the preset tiny, batch 8",
      network: tiny,
      operation: "tinyTrain",
      tolerance: GRADIENT_TOLERANCE,
      halfTolerance: HALF_GRADIENT_TOLERANCE,
      training: { lr, beta1, beta2, eps, weightDecay },
      expected: async () => (await import("../golden/unetTiny.ts")).expectedUnetTiny(),
    }),
  ];
}

/** Some forty layers deep. */
const TOLERANCE = 5e-5;
const GRADIENT_TOLERANCE = 1e-4;
/** Of activations in half precision: as many roundings, by 2^-11. */
const HALF_TOLERANCE = 5e-3;
const HALF_GRADIENT_TOLERANCE = 2e-2;

function networkU(): Network {
  const { batch, size, inChannels, channels } = unetU;
  return {
    dataName: "unet/U",
    parameters: unetUParameters(),
    shape: [batch, size, size, size, inChannels],
    flops: unetUFlops(),
    firstFlops: 2 * batch * size ** 3 * 27 * inChannels * channels[0]!,
    build: (graph, x, parameter) => buildUnetU(graph, x, parameter),
  };
}

/** Without noise and dropout, which no two engines draw alike. */
function networkTiny(): Network {
  const config = presets.tiny!;
  const model = unetConfig(config);
  const { batch, grid, elements } = config;
  return {
    dataName: "unet/tiny",
    // Norms a little off one and zero, so that both matter.
    parameters: unetParameters(model).map(({ name, shape, trained, init }) => {
      return {
        name,
        shape,
        trained,
        spread:
          "constant" in init
            ? { base: init.constant, scale: 0.1 }
            : { scale: "bound" in init ? init.bound : init.deviation },
      };
    }),
    shape: [batch, grid, grid, grid, elements.length],
    flops: batch * denoiserFlops(model, grid),
    firstFlops: batch * layerFlops(denoiserLayers(model, grid)[0]!),
    build: (graph, x, parameter) => unet3d(graph, model, x, { parameter, label: "tiny" }),
  };
}
