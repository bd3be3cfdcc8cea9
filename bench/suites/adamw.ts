import { elementCount } from "../../src/gpu/tensor.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { formatCount } from "../../src/report/format.ts";
import * as twin from "../../src/reference/adamw.ts";
import type { BenchCase } from "../case.ts";
import { graphCase } from "../graphCase.ts";
import { stepWords } from "../stepValues.ts";
import { unetUParameters } from "../unetU.ts";

const OPTIONS = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, emaDecay: 0.999 };
/** Updates before the one that is checked; the state of the optimiser is not fresh. */
const STEP = 9;

/** One update of as many parameters as the preset tiny has, and of those of case U. */
export function adamwCases(): BenchCase[] {
  const count = (parameters: readonly { shape: readonly number[] }[]) => {
    return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  };
  const tiny = unetParameters(unetConfig(presets.tiny!));
  return [update("adamw/tiny", count(tiny)), update("adamw/U", count(unetUParameters()))];
}

function update(name: string, count: number): BenchCase {
  const { beta1, beta2, eps, weightDecay, lr, emaDecay } = OPTIONS;
  const t = STEP + 1;
  const correction1 = 1 - beta1 ** t;
  const correction2 = 1 - beta2 ** t;
  const shape = [count];
  const state = ["weights", "m", "v", "ema"] as const;
  return graphCase({
    name,
    suite: "adamw",
    shape: `${formatCount(count)} parameters`,
    inputs: [
      { name: "weights", shape, spread: { scale: 0.1 } },
      { name: "grads", shape, spread: { scale: 0.01 } },
      { name: "m", shape, spread: { scale: 0.01 } },
      { name: "v", shape, spread: { base: 1e-4, scale: 0.9e-4 } },
      { name: "ema", shape, spread: { scale: 0.1 } },
      { name: "flags", shape: [4], only: "ours", make: () => new Uint32Array(4) },
      {
        name: "step",
        shape: [8],
        only: "ours",
        make: () => stepWords({ seed: 0, step: STEP, sample: 0, lr, correction1, correction2, emaDecay }),
      },
    ],
    outputs: state.map((output) => ({ name: output, shape })),
    flops: 20 * count,
    tolerance: 1e-6,
    peers: { operation: "adamw", attributes: { ...OPTIONS, step: STEP } },
    emit: (graph, { weights, grads, m, v, ema, flags, step }) => {
      const state = { weights, m, v, ema };
      adamw(graph, { label: name, ...state, grads, flags, step, beta1, beta2, eps, weightDecay });
    },
    expected: (data) => {
      const copy = (key: (typeof state)[number]) => Float64Array.from(data.get(key)!);
      const after = { weights: copy("weights"), m: copy("m"), v: copy("v"), ema: copy("ema") };
      twin.adamw(after, data.get("grads")!, t, OPTIONS);
      return Object.entries(after).map(([output, values]) => ({ output, values }));
    },
  });
}
