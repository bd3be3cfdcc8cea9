/** A flow-matching model as small as can be, on a few of the built-in backbones. */
import { builtinBackbones } from "../../../src/proteins/builtinBackbones.ts";
import { flow } from "../../../src/tasks/flow/flow.ts";
import type { FlowConfig } from "../../../src/tasks/flow/flowConfig.ts";
import { presets } from "../../../src/tasks/flow/presets.ts";

export const smallConfig: FlowConfig = flow.check({
  ...presets["flow-tiny"]!,
  ...{ hidden: 16, layers: 1, heads: 2, conditioning: 8, pair: 4, timeEmbedding: 8, indexEmbedding: 4, registers: 2 },
  ...{ crop: 20, batch: 4, microBatch: 4, steps: 4, every: 2, heldout: 2, twirl: 4 },
});

/** Of unequal sizes, the shortest ones as they are and the others cropped. */
export const smallChains = builtinBackbones().filter((_, i) => i % 5 === 0);
