import type { BenchCase } from "../case.ts";
import { adamwCases } from "./adamw.ts";
import { analyzeCases } from "./analyze.ts";
import { attentionCases } from "./attention.ts";
import { conv3dCases } from "./conv3d.ts";
import { convTranspose3dCases } from "./convTranspose3d.ts";
import { flowCases } from "./flow.ts";
import { forceCases } from "./forces.ts";
import { frameCases } from "./frames.ts";
import { groupNormCases } from "./groupNorm.ts";
import { layerNormCases } from "./layerNorm.ts";
import { matmulCases } from "./matmul.ts";
import { measureCases } from "./measure.ts";
import { neighbourCases } from "./neighbours.ts";
import { noiseCases } from "./noise.ts";
import { rotateCases } from "./rotate.ts";
import { twirlCases } from "./twirl.ts";
import { unetCases } from "./unet.ts";
import { voxelizeCases } from "./voxelize.ts";
import { voxmolCases } from "./voxmol.ts";

/** The suites in the order they run. Making the cases makes no data yet. */
export const suites: Readonly<Record<string, () => BenchCase[]>> = {
  conv3d: conv3dCases,
  convT: convTranspose3dCases,
  groupnorm: groupNormCases,
  layernorm: layerNormCases,
  matmul: matmulCases,
  attention: attentionCases,
  rotate: rotateCases,
  voxelize: voxelizeCases,
  neighbours: neighbourCases,
  forces: forceCases,
  flow: flowCases,
  twirl: twirlCases,
  adamw: adamwCases,
  noise: noiseCases,
  unet: unetCases,
  measure: measureCases,
  frames: frameCases,
  voxmol: voxmolCases,
  analyze: analyzeCases,
};

/** Run only when named: over a hundred shapes, for who tunes a kernel; minutes for a run; files, without a kernel. */
export const onlyWhenNamed: readonly string[] = ["voxmol", "analyze", "frames"];
