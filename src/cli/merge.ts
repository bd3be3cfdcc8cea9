import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { EXPERIMENT_WORK, mergeExperiment } from "../experiments/shards.ts";
import { wholeWork, type WholeWork } from "../shards/shardFolder.ts";
import { exits, integer } from "./args.ts";
import { ExperimentOutput } from "./experimentOutput.ts";
import { FRAMES_WORK, mergeFrames } from "./measureFrameShard.ts";

declare const VOXTWIRL_VERSION: string;

/** Between two looks. */
const LOOK_MS = 10_000;

const withOptions = (command: Command) =>
  command
    .argument("<DIR>", "the folder that the shards share: their --out")
    .argument("[WORK]", "which work, where DIR holds shards of several: its name, or what that begins with")
    .addOption(integer("--wait <SECONDS>", "look again for so long while shards are missing"))
    .option("--json", "print what the command prints with --json");

type Options = ReturnType<ReturnType<typeof withOptions>["opts"]>;

export const define = (command: Command) => withOptions(command).action(exits(run));

/** By the kind of work. */
const MERGES: Readonly<Record<string, (work: WholeWork, out: string, json: boolean) => Promise<void>>> = {
  [EXPERIMENT_WORK]: async (work, out, json) => {
    const { experiment, settings, task, folder, results } = await mergeExperiment(out, work);
    const output = new ExperimentOutput({ json, out, name: experiment.name, task });
    output.begin(experiment, settings);
    output.show({ type: "end", results }, folder);
  },
  [FRAMES_WORK]: (work, _, json) => mergeFrames(work, json),
};

/** Puts shards together that other processes have made. */
async function run(out: string, wanted: string | undefined, options: Options): Promise<number> {
  const work = await waitForWork(out, wanted, options.wait ?? 0);
  const { name, work: what } = work.head;
  const merge = MERGES[what.kind];
  if (what.version === VOXTWIRL_VERSION && merge !== undefined) {
    await merge(work, out, options.json ?? false);
    return 0;
  }
  const message = `the shards of ${name} are of voxtwirl ${what.version}, and this is ${VOXTWIRL_VERSION}`;
  throw new VoxtwirlError("bad-file", message, "Merge them with that version, or make them again with this one.");
}

/** The work once it is whole, looking for so many seconds. @throws VoxtwirlError as `wholeWork` */
async function waitForWork(out: string, wanted: string | undefined, seconds: number): Promise<WholeWork> {
  const until = performance.now() + 1000 * seconds;
  for (;;) {
    try {
      return await wholeWork(out, wanted);
    } catch (error) {
      const isMissing = error instanceof VoxtwirlError && error.code === "no-data";
      const left = until - performance.now();
      if (!isMissing || left <= 0) throw error;
      await sleep(Math.min(left, LOOK_MS));
    }
  }
}
