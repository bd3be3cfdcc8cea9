import { VoxtwirlError } from "../errors.ts";
import { ablation } from "./ablation.ts";
import { dip } from "./dip.ts";
import { efficiency } from "./efficiency.ts";
import type { Experiment } from "./experiment.ts";
import { gradients } from "./gradients.ts";
import { landscapeExperiment } from "./landscape.ts";
import { groups } from "./groups.ts";
import { latents } from "./latents.ts";
import { scale } from "./scale.ts";
import { twirling } from "./twirling.ts";

/** All experiments: to add one is to add its file and its line here. */
export const experiments: readonly Experiment[] = [
  ...[dip, ablation, twirling, landscapeExperiment, gradients, latents, efficiency, groups, scale],
];

/** @throws VoxtwirlError "bad-option" for a name that is none */
export function experimentNamed(name: string): Experiment {
  const found = experiments.find((one) => one.name === name);
  if (found) return found;
  const known = experiments.map((one) => one.name).join(", ");
  throw new VoxtwirlError("bad-option", `there is no experiment ${JSON.stringify(name)}`, `Use one of: ${known}.`);
}
