/** The committed results of experiments, and the page that is made of them: docs/laboratory. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAcrossTasks } from "../src/experiments/arms.ts";
import type { Timings } from "../src/experiments/costs.ts";
import type { Experiment, ExperimentTable } from "../src/experiments/experiment.ts";
import { experimentNamed, experiments, folderOf, withTask } from "../src/experiments/list.ts";
import { keptSteps } from "../src/experiments/plannedRun.ts";
import { type ExperimentResults, outcomeOf } from "../src/experiments/results.ts";
import { isBuiltin as isBuiltinSource } from "../src/molecules/builtinNames.ts";
import { formatCount } from "../src/report/format.ts";
import { taskOfPreset, tasks } from "../src/tasks/list.ts";
import type { TrainConfig } from "../src/training/trainConfig.ts";

/** Results without what follows from the rest. */
export type LaboratoryRecord = Omit<ExperimentResults, "means"> & { readonly timings?: Timings };

/** Of every number; the standard errors over seeds are in the first or second. */
const DIGITS = 6;

/** What is committed of a results.json: a line for each run, numbers of six digits, no errors that are not known. */
export function recordText({ means: _, runs, ...others }: ExperimentResults, timings?: Timings): string {
  const line = (value: unknown) =>
    JSON.stringify(value, (name, one: unknown) => {
      if (name === "stdErr" && one === null) return undefined;
      return typeof one === "number" ? short(one) : one;
    });
  const entries = Object.entries({ ...others, ...(timings && { timings }) }).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${line(value)},`,
  );
  return `{\n${entries.join("\n")}\n  "runs": [\n    ${runs.map(line).join(",\n    ")}\n  ]\n}\n`;
}

const short = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS)));

/** All records of a folder in the order of the list of experiments, task after task, those on built-in sets first. */
export function readRecords(folder: string): LaboratoryRecord[] {
  const place = (record: LaboratoryRecord) => {
    const group = (isBuiltin(record.data) ? 0 : 1) + 2 * tasks.findIndex(({ name }) => name === taskOf(record));
    return experiments.findIndex(({ name }) => name === record.experiment) + group * experiments.length;
  };
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json") && name !== PYTORCH)
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as LaboratoryRecord)
    .sort((a, b) => place(a) - place(b));
}

const PYTORCH = "pytorch.json";

/** The same arms trained with PyTorch: percentEquiv by step, a number for each seed. */
interface PytorchRuns {
  readonly heldout: number;
  readonly arms: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

/** docs/laboratory/README.md, before prettier. */
export function laboratoryPage(folder: string): string {
  const records = readRecords(folder);
  const pytorch = JSON.parse(readFileSync(join(folder, PYTORCH), "utf8")) as PytorchRuns;
  return [
    "# The laboratory",
    "What came out when the claims of arXiv 2512.02303 were [put to the test](../experiments.md) with " +
      `${subjects(records)}, whatever it was. The files beside this page hold the numbers of every run; ` +
      "the page is made of them by `npm run docs:laboratory`.",
    table(
      ["experiment", "molecules", "runs", "verdict", "by which figures"],
      records.map((record) => {
        const { experiment, steps, seeds, arms, verdict } = record;
        const runs = `${arms.length} × ${seeds.length}, ${formatCount(steps)} steps`;
        return [
          `[${isOther(record) ? titleOf(record) : experiment}](#${anchor(record)})`,
          moleculesOf(record),
          runs,
          verdict.verdict,
          verdict.reason,
        ];
      }),
    ),
    ...adapterText(records),
    "A report, as an experiment writes it into its folder:",
    "![The report of ablation: verdict, claim and rule, shares by step with bands over seeds](report.png)",
    ...pytorchSection(records, pytorch),
    ...records.flatMap(recordSection),
  ].join("\n\n");
}

const SUBJECTS: Readonly<Record<string, string>> = {
  ...{ voxels: "small voxel denoisers", forces: "small force fields", flow: "small flow-matching nets" },
};

/** What is trained in these records. */
function subjects(records: readonly LaboratoryRecord[]): string {
  const presets = records.flatMap(({ arms }) => arms.map(({ training }) => (training as TrainConfig).preset));
  const names = new Set(presets.map((preset) => taskOfPreset(preset).name));
  const found = tasks.flatMap(({ name }) => (names.has(name) ? [SUBJECTS[name]!] : []));
  return [found.slice(0, -1).join(", "), found.at(-1)!].filter((part) => part !== "").join(" and ");
}

const isBuiltin = ({ source }: LaboratoryRecord["data"]): boolean => isBuiltinSource(source);
const moleculesOf = ({ data }: LaboratoryRecord): string => (isBuiltin(data) ? "built-in" : "QM9");
const taskOf = ({ preset }: LaboratoryRecord): string => taskOfPreset(preset).name;
/** Whether it is of another task than the first. */
const isOther = (record: LaboratoryRecord): boolean =>
  folderOf(record.experiment, taskOf(record)) !== record.experiment;

/** The experiment with the task of a record. */
export const experimentOf = (record: LaboratoryRecord): Experiment =>
  withTask(experimentNamed(record.experiment), taskOf(record));

/** "dip", "dip, QM9" or "dip, forces". */
export const titleOf = (record: LaboratoryRecord): string =>
  [
    record.experiment,
    ...(isOther(record) ? [taskOf(record)] : []),
    ...(isBuiltin(record.data) ? [] : [moleculesOf(record)]),
  ].join(", ");
const anchor = (record: LaboratoryRecord): string =>
  titleOf(record).toLowerCase().replaceAll(",", "").replaceAll(" ", "-");

function adapterText(records: readonly LaboratoryRecord[]): string[] {
  const adapters = [...new Set(records.flatMap((record) => record.adapters))];
  const molecules = records.find(({ data }) => !isBuiltin(data));
  return [
    `Runs are arms × seeds. Adapter: ${adapters.join("; ")}.` +
      (molecules ? ` QM9 is \`${molecules.data.source}\`, SHA-256 \`${molecules.data.sha256}\`.` : ""),
  ];
}

function recordSection(record: LaboratoryRecord): string[] {
  const experiment = experimentOf(record);
  const { claim, rule, verdict, steps, preset, seeds } = record;
  const outcome = outcomeOf(record);
  const data = isBuiltin(record.data) ? "" : ` --data ${record.data.source}`;
  const arms = record.arms.length < experiment.arms.length ? ` --arms ${record.arms.map(armText).join(" ")}` : "";
  const task = isOther(record) ? ` --task ${taskOf(record)}` : "";
  const of = isAcrossTasks(experiment) ? "" : `--preset ${preset} `;
  const sizes = `${of}--seeds ${seeds.length} --steps ${steps}`;
  const command = `voxtwirl experiment ${experiment.name}${task} ${sizes}`;
  return [
    `## ${titleOf(record)}`,
    record.question,
    `**Claim.** ${escape(claim)}`,
    `**Rule.** ${escape(rule)}`,
    `**Verdict: ${verdict.verdict}.** ${escape(verdict.reason)}`,
    `\`npx ${command}${data}${arms}\``,
    ...experiment.tables(outcome, record.timings).flatMap((one) => tableSection(one, steps)),
  ];
}

const armText = ({ name }: { name: string }): string => (/[ ,]/.test(name) ? `"${name}"` : name);

/** Most rows of a table by steps; of a longer one those at which runs keep their models are shown. */
const ROWS = 16;

function tableSection({ title, columns, rows, caption }: ExperimentTable, steps: number): string[] {
  const kept = new Set(keptSteps(steps).map(formatCount));
  const isLong = columns[0] === "step" && rows.length > ROWS;
  const shown = isLong ? rows.filter(([step]) => kept.has(step!)) : rows;
  return [`### ${escape(title)}`, table(columns, shown), escape(caption)];
}

/** Seeds one by one: three say more than a mean of them. */
function pytorchSection(records: readonly LaboratoryRecord[], { heldout, arms }: PytorchRuns): string[] {
  const ours = records.filter(({ data }) => !isBuiltin(data));
  if (ours.length === 0) return [];
  const names = Object.keys(arms);
  const steps = [...new Set(names.flatMap((name) => Object.keys(arms[name]!)))].map(Number).sort((a, b) => a - b);
  const of = (name: string, step: number): string => {
    // The experiment with the most steps has the most of a run.
    const longest = [...ours].sort((a, b) => b.steps - a.steps);
    const found = longest.find((record) => record.arms.some((arm) => arm.name === name) && record.steps >= step);
    const runs = found?.runs.filter(({ arm }) => arm === name) ?? [];
    return texts(runs.map(({ readings }) => readings.find((one) => one.step === step)?.figures.percentEquiv?.value));
  };
  const rows = steps.map((step) => [
    formatCount(step),
    ...names.flatMap((name) => [texts(arms[name]![step] ?? []), of(name, step)]),
  ]);
  return [
    "## Beside PyTorch",
    "percentEquiv of the same net on QM9, trained with PyTorch 1.13 and with voxtwirl, seed by seed. Weights, noise, " +
      `order and held-out molecules are different ones: PyTorch's figures are of ${heldout} molecules, ours of 12.`,
    table(["step", ...names.flatMap((name) => [`PyTorch, ${name}`, `voxtwirl, ${name}`])], rows),
  ];
}

const texts = (values: readonly (number | null | undefined)[]): string =>
  values.map((value) => value?.toFixed(1) ?? "–").join(" · ");

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

const escape = (text: string): string => text.replace(/[|*_<]/g, (one) => `\\${one}`);
