import { setImmediate } from "node:timers/promises";
import { Option, type Command } from "@commander-js/extra-typings";
import { assess } from "../molecules/assess.ts";
import { FeatureSpace } from "../molecules/features.ts";
import type { JudgedSet } from "../molecules/judgedSet.ts";
import { judgedSet } from "../node/assessMolecules.ts";
import { readingLines } from "../formats/records.ts";
import { readMoleculeFile } from "../node/molecules.ts";
import { exits, integer, text } from "./args.ts";
import { printJson } from "./json.ts";
import { assessmentLines } from "./moleculesOutput.ts";
import { print } from "./stdout.ts";
import { nothingKnown, partLines, sweep, type Swept } from "./sweep.ts";

const DRAWS = 100;
const AT_ONCE = 64;

const moleculesOptions = (command: Command) =>
  command
    .argument("<FILE>", "molecules as XYZ (extended too), SDF, MOL or .npz, .gz or not; a folder; or builtin")
    .addOption(text("--reference <FILE>", "molecules to compare with, such as those a model was trained on"))
    .addOption(integer("--seed <N>", "seed of the bootstrap's draws (default 0)", { min: 0 }))
    .addOption(integer("--draws <N>", `draws of the bootstrap (default ${DRAWS})`, { min: 2, max: 100_000 }))
    .addOption(new Option("--strict", "stop at a record that cannot be used, instead of leaving it out"))
    .option("--json", "print one JSON object on stdout");

type MoleculesOptions = ReturnType<ReturnType<typeof moleculesOptions>["opts"]>;

export const define = (command: Command) => moleculesOptions(command).addHelpText("after", NEXT).action(exits(run));

const NEXT = `
Bonds are those of the file, or where it has none found by distance. Distances are from the reference: total variation
of atom and bond types, Wasserstein-1 of the others.`;

/** Assesses molecules. @returns the exit code */
async function run(path: string, options: MoleculesOptions): Promise<number> {
  const { reference: other, seed = 0, draws = DRAWS, strict = false, json = false } = options;
  const space = new FeatureSpace();
  const sample = await judgedFile(path, space, strict);
  // Of a part of either, a comparison would say what is not so.
  const compare = other !== undefined && !sample.swept.interrupted;
  const against = compare ? await judgedFile(other, space, strict) : undefined;
  const reference = against?.swept.interrupted ? undefined : against;
  const swept = [sample, ...(against ? [against] : [])].map((one) => one.swept);
  if (sample.swept.done === 0) return nothingKnown("molecule", sample.swept);
  const assessment = assess(sample.set.molecules, reference?.set.molecules, space, { seed, draws });
  const remarks = reference && isPerceived(sample) !== isPerceived(reference) ? [UNLIKE] : [];
  const shown = (one: JudgedFile) => ({
    ...{ records: one.file.records, sha256: one.file.sha256, bondsPerceived: one.set.perceived },
    recordsLeftOut: Object.fromEntries(one.file.leftOut.map(({ reason, count }) => [reason, count])),
  });
  if (json) {
    const compared = reference && { reference: { data: other, ...shown(reference) } };
    const interrupted = swept.some((one) => one.interrupted);
    printJson({
      type: "molecules",
      data: path,
      ...shown(sample),
      ...compared,
      seed,
      draws,
      interrupted,
      remarks,
      ...assessment,
    });
  } else {
    const notes = [sample, ...(reference ? [reference] : [])].flatMap(({ file }) => readingLines(file));
    print([
      ...partLines(sample.swept, "molecules"),
      ...(against && !reference ? [`interrupted: not compared with ${other}`, ""] : []),
      ...assessmentLines(assessment, { data: path, perceived: sample.set.perceived, reference: other }),
      ...(remarks.length + notes.length > 0 ? ["", ...remarks, ...notes] : []),
    ]);
  }
  return Math.max(...swept.map(({ code }) => code));
}

const UNLIKE =
  "One of the two has bonds of its own, the other by distance: that alone sets types, valencies and lengths apart.";

function isPerceived({ set }: JudgedFile): boolean {
  return set.perceived > 0;
}

interface JudgedFile {
  readonly file: Awaited<ReturnType<typeof readMoleculeFile>>;
  readonly set: JudgedSet;
  readonly swept: Swept;
}

async function judgedFile(path: string, space: FeatureSpace, strict: boolean): Promise<JudgedFile> {
  const file = await readMoleculeFile(path, { strict });
  const set = await judgedSet(space);
  const swept = await sweep("molecule", file.molecules.length, async (i) => {
    set.add(file.molecules[i]!);
    // Signals are only seen in between.
    if (i % AT_ONCE === 0) await setImmediate();
  });
  return { file, set, swept };
}
