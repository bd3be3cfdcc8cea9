import type { Command } from "@commander-js/extra-typings";
import { layerName } from "../analysis/layers.ts";
import { landscapeCost } from "../analysis/landscape.ts";
import { requireKernels } from "../analysis/parameterSpace.ts";
import { hasKernels } from "../analysis/perpendicular.ts";
import { ANALYSES, type Analysis, type AnalysisResults } from "../analysis/results.ts";
import { absoluteError, squaredError, type Loss } from "../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { requireWritable, writeFileAtomic } from "../node/files.ts";
import { costLines, paceOf, runAnalyses, type FoundAnalyses } from "./analyses.ts";
import { analysisJson, analysisLines, ofLayers } from "./analyzeOutput.ts";
import { analysisPage } from "./analyzePage.ts";
import { badOption, choice, exits, integer, text } from "./args.ts";
import { dataHelp, labelUnitsOption, strictOption } from "./data.ts";
import { requireNewFolder } from "./arrayFolder.ts";
import { exportOption } from "./exportFolder.ts";
import { exportSamples, type ExportedSamples } from "./exportSamples.ts";
import { adapterOption, noTuningOption, openCliGpu } from "./gpu.ts";
import { printJson } from "./json.ts";
import { interruptible } from "./interrupt.ts";
import { chosenLayers, type ChosenLayers } from "./chosenLayers.ts";
import { deltaOption, modelLoss, modelLossOption } from "./losses.ts";
import { lossLines } from "./measureOutput.ts";
import { dataLines, openModelData, shownData, type ModelData } from "./modelData.ts";
import { pace, showProgress } from "./progress.ts";
import { formatDuration } from "../report/format.ts";
import { print } from "./stdout.ts";
import { nothingKnown } from "./sweep.ts";

/** Molecules by default; of the landscape, whose products take two gradients each, fewer. */
const SAMPLES = 16;
const LANDSCAPE_SAMPLES = 4;
const MATRICES = { hessian: "hessian", "gauss-newton": "gaussNewton" } as const;

const analyzeOptions = (command: Command) =>
  command
    .addOption(
      text("--model <RUN|FILE>", "a run's folder, its model.safetensors, a checkpoint that it kept, or VoxMol's"),
    )
    .addOption(text("--data <FILE>", `${dataHelp}, or builtin; of its training data only the held-out part`))
    .addOption(labelUnitsOption())
    .addOption(strictOption())
    .addOption(
      text("--what <LIST>", `some of ${ANALYSES.join(", ")}, with commas between (default: all that the model has)`),
    )
    .addOption(
      choice("--group <KIND>", "octahedral: the rotations of the cube, which are exact on voxels and vectors", [
        "octahedral",
      ]),
    )
    .addOption(
      integer(
        "--limit <M>",
        `at most so many samples, drawn at random by the seed (default ${SAMPLES}, landscape ${LANDSCAPE_SAMPLES})`,
      ),
    )
    .addOption(integer("--twirl <N>", "rotations of each sample (default 24: all)", { min: 2, max: 24 }))
    .addOption(integer("--products <N>", "landscape: Lanczos steps for each term (default 30)"))
    .addOption(integer("--probes <N>", "landscape: random vectors for each trace (default 8)"))
    .addOption(
      choice("--matrix <KIND>", "landscape: hessian (default), or gauss-newton", ["hessian", "gauss-newton"] as const),
    )
    .option("--density", "landscape: the spectrum's density too, for which each probe takes 16 products")
    .addOption(modelLossOption())
    .addOption(deltaOption())
    .option("--slices", "landscape: the losses along a random direction and the leading eigenvectors too")
    .addOption(text("--layers <PATTERN>", "only these layers by name, * for any letters: 'down.*,middle.*'"))
    .addOption(integer("--seed <N>", "seed of poses, noise and random draws (default: the run's)", { min: 0 }))
    .addOption(exportOption())
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .addOption(text("--html <FILE>", "write a page with charts of all that was found"))
    .option("--json", "print one JSON object on stdout");

type AnalyzeOptions = ReturnType<ReturnType<typeof analyzeOptions>["opts"]>;

export const define = (command: Command) => analyzeOptions(command).action(exits(run));

/** Analyses a model that `voxtwirl train` wrote. Exit code 130 after Ctrl-C, with what is known by then. */
async function run(options: AnalyzeOptions): Promise<number> {
  const asked = options.what === undefined ? undefined : analysesNamed(options.what);
  const { limit = SAMPLES, strict = false, labelUnits, seed } = options;
  if (options.slices && asked && !asked.includes("landscape")) {
    throw badOption("--slices goes with the landscape, which --what leaves out", "Add landscape to --what.");
  }
  const loss = analysisLoss(options, asked ?? ANALYSES);
  const [model, data] = [required(options, "model"), required(options, "data")];
  if (options.export !== undefined) await requireNewFolder(options.export);
  if (options.html !== undefined) await requireWritable(options.html);
  const of = await openModelData({ model, data, strict, labelUnits, seed, limit });
  const parameters = of.task.parameters(of.model.config.training).filter(({ trained }) => trained);
  if (asked?.includes("parameters")) requireKernels(parameters);
  const what = asked ?? ANALYSES.filter((name) => name !== "parameters" || hasKernels(parameters));
  const names = new Set(parameters.map(({ name }) => layerName(name)));
  const layers = chosenLayers(options.layers, [...names]);
  const gpu = await openCliGpu(options.adapter, options.tuning);
  try {
    return await analyze(gpu, of, what, { ...options, layers, loss });
  } finally {
    gpu.destroy();
  }
}

/** Options whose layers and loss are known. */
type Checked = Omit<AnalyzeOptions, "layers" | "loss"> & { readonly layers: ChosenLayers; readonly loss: Loss };

/** @throws VoxtwirlError "bad-option" for a loss that does not go with what is asked for */
function analysisLoss(options: AnalyzeOptions, what: readonly Analysis[]): Loss {
  const loss = modelLoss(options, "octahedral");
  if (loss === squaredError) return loss;
  const { twirl = OCTAHEDRAL_ORDER, matrix } = options;
  if (twirl !== OCTAHEDRAL_ORDER) {
    throw badOption(
      `--loss ${loss.name} takes all ${OCTAHEDRAL_ORDER} rotations, not --twirl ${twirl}: fewer bias its terms`,
      "Leave --twirl out; measure --loss estimates the terms from some of them.",
    );
  }
  if (!what.includes("landscape")) return loss;
  if (loss === absoluteError) {
    throw badOption(
      "--loss absolute has no curvature: its gradient jumps where a prediction meets its target",
      "Give --what gradients,parameters,latents, or --loss huber.",
    );
  }
  if (matrix === "gauss-newton") {
    throw badOption(`--matrix gauss-newton does not go with --loss ${loss.name}`, "Take --matrix hessian.");
  }
  return loss;
}

/** In which activations are stored. */
const PRECISION = "f32" as const;

async function analyze(gpu: Gpu, of: ModelData, what: readonly Analysis[], options: Checked): Promise<number> {
  const { model, task, packed: data, chosen, seed } = of;
  const { twirl: rotations = OCTAHEDRAL_ORDER, layers, loss } = options;
  const terms = await task.terms(gpu, { model, data, chosen, rotations, seed, loss });
  const latents = what.includes("latents")
    ? await task.latents(gpu, { model, data, seed, precision: PRECISION, layers: layers.isMap })
    : undefined;
  const progress = showProgress();
  const interruption = interruptible({ after: `the ${task.takes}s in hand`, warn: progress.warn });
  interruption.begin();
  const { signal } = interruption;
  let exported: ExportedSamples | undefined;
  try {
    const given = { what, terms, latents, chosen, signal, one: task.takes, ...landscapeOptions(of, options) };
    // Numbers that cannot be are refused before anything is computed.
    if (what.includes("landscape")) landscapeCost(terms, given.landscape);
    if (!options.json) print(dataLines(of, options.data!, false, `${rotations} rotations each`));
    progress.show(`timing a ${task.takes}`);
    const seconds = await paceOf(given);
    progress.clear();
    if (seconds) for (const line of costLines(given, seconds)) process.stderr.write(`voxtwirl: ${line}\n`);
    const shownAt = shownProgress(progress);
    if (options.export !== undefined) {
      const onProgress = (done: number, total: number) => shownAt("export", done, total);
      const where = { path: options.export, rotations, loss, precision: PRECISION };
      exported = await exportSamples(gpu, of, { ...where, signal, onProgress });
    }
    const results: FoundAnalyses = {};
    let done = false;
    try {
      await runAnalyses(given, results, shownAt);
      done = !signal.aborted;
    } finally {
      // What was found before an error is told before the error is.
      progress.clear();
      if (Object.keys(results).length > 0) {
        await tell({ of, what, results, exported, rotations, interrupted: !done, options });
      }
    }
    return Object.keys(results).length === 0 ? nothingKnown("analysis", interruption) : interruption.code;
  } finally {
    progress.clear();
    interruption.end();
    latents?.destroy();
    terms.destroy();
    await exported?.folder.discard();
  }
}

function landscapeOptions({ chosen, seed }: ModelData, options: Checked) {
  const { limit = LANDSCAPE_SAMPLES, products, probes, matrix = "hessian" } = options;
  const { density = false, slices = false } = options;
  return {
    landscapeSamples: Math.min(chosen.length, limit),
    slices,
    landscape: {
      ...{ matrix: MATRICES[matrix], seed },
      ...(products !== undefined && { products }),
      ...(probes !== undefined && { probes }),
      ...(density && { density: {} }),
      ...(slices && { vectors: 1 }),
    },
  };
}

interface Told {
  readonly of: ModelData;
  readonly what: readonly Analysis[];
  readonly results: AnalysisResults;
  readonly exported: ExportedSamples | undefined;
  readonly rotations: number;
  readonly interrupted: boolean;
  readonly options: Checked;
}

/** Writes what was found: to the export's folder, to stdout, to the page. */
async function tell({ of, what, results, exported, rotations, interrupted, options }: Told): Promise<void> {
  const { layers, html, json = false } = options;
  const shown = { ...shownData(of, options.data!), precision: PRECISION, samples: of.chosen.length, rotations };
  const found = { ...shown, interrupted, ...analysisJson(results, layers.isLayer) };
  const { name, split, elementwise } = options.loss;
  const delta = elementwise?.kind === "huber" ? elementwise.delta : undefined;
  const figures = { type: "analyze", group: "octahedral", loss: name, split, delta, ...found };
  try {
    await exported?.folder.finish({ ...figures, ...exported.measured }, of.model.path);
  } finally {
    const head = interrupted ? ["interrupted: what is known so far", ""] : [];
    if (json) printJson(figures);
    else {
      const loss = lossLines({ loss: name, split }, { delta, estimated: rotations < OCTAHEDRAL_ORDER });
      print([...head, ...loss, ...analysisLines(results, { shows: layers.isLayer, one: of.task.takes })]);
    }
    if (html !== undefined) {
      const shownResults = ofLayers(results, layers.isLayer);
      const page = { what, results: shownResults, data: options.data!, rotations, loss: options.loss };
      await writeFileAtomic(html, analysisPage(of, page));
      if (!json) print([`written: ${html}`]);
    }
  }
}

/** A live line for each analysis in turn: "landscape 12 of 117  4 min left". */
function shownProgress(progress: ReturnType<typeof showProgress>) {
  let current: { name: string; total: number; left: ReturnType<typeof pace> } | undefined;
  return (name: Analysis | "slices" | "export", done: number, total: number) => {
    if (current?.name !== name || current.total !== total) current = { name, total, left: pace(total) };
    const left = current.left(done, performance.now());
    progress.show(`${name} ${done} of ${total}${left === null ? "" : `  ${formatDuration(left)} left`}`);
  };
}

function required(options: AnalyzeOptions, name: "model" | "data"): string {
  const value = options[name];
  if (value !== undefined) return value;
  throw badOption(`--${name} is not given`, "Give --model and --data. See: voxtwirl help analyze");
}

function analysesNamed(list: string): readonly Analysis[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !(ANALYSES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw badOption(`--what ${unknown} is not known`, `Use some of: ${ANALYSES.join(", ")}, with commas between.`);
  }
  return ANALYSES.filter((name) => names.includes(name));
}
