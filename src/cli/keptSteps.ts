import { Option } from "@commander-js/extra-typings";
import type { KeptSteps } from "../training/keptSteps.ts";
import { badOption } from "./args.ts";

const EVALUATIONS = "evaluations";

/** Which models a run keeps; bytes of a model are 4 for each parameter. */
export const keepOption = () =>
  new Option(
    "--keep-checkpoints [STEPS]",
    "keep the model of these steps in checkpoints/ of the run's folder: 0,100,300; every:100, from 0 on; both, as " +
      "1,10,every:100; alone: of every evaluation. A file each of 4 bytes a parameter: tiny 1.4 MiB, small 5.8 MiB, " +
      "qm9 and drugs 425 MiB",
  )
    .preset(EVALUATIONS)
    .argParser(parseKeptSteps);

/** "evaluations", or steps and at most one every:N, parted by commas. */
function parseKeptSteps(text: string): KeptSteps {
  if (text === EVALUATIONS) return text;
  const items = text.split(",");
  const everys = items.filter((item) => item.startsWith("every:"));
  const steps = items.filter((item) => !item.startsWith("every:")).map((item) => whole(item, text, 0));
  if (everys.length > 1) throw wrong(text);
  const every = everys.map((item) => whole(item.slice("every:".length), text, 1));
  return {
    ...(every.length > 0 && { every: every[0]! }),
    ...(steps.length > 0 && { steps: [...new Set(steps)].sort((a, b) => a - b) }),
  };
}

function whole(item: string, text: string, least: number): number {
  const value = /^\d+$/.test(item) ? Number(item) : NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw wrong(text);
}

function wrong(text: string) {
  return badOption(`--keep-checkpoints ${text} are not steps`, "Give steps such as 0,100,300, or every:100, or both.");
}
