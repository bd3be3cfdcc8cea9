import { VoxtwirlError } from "../errors.ts";
import { PredictionTally, type PredictionMeasurement } from "../equivariance/predictions.ts";
import { labelTarget } from "../equivariance/labels.ts";
import { squaredError } from "../equivariance/losses.ts";
import type { PredictionRotations } from "../equivariance/predictionRotations.ts";
import type { Representation } from "../equivariance/representations.ts";
import type { RotationSource } from "../equivariance/cubeRotations.ts";
import { isGroupName } from "../equivariance/namedGroups.ts";
import { readNpy, withNpy, type OpenNpy } from "../node/npy.ts";
import { ARRAYS_ADVICE, readingRemark, zeroRemarks } from "../report/measureRemarks.ts";
import { badOption } from "./args.ts";
import { chosenGroup } from "./groupFile.ts";
import { printJson } from "./json.ts";
import { chosenLoss, deltaOf, takesLabels, type LossChoice } from "./losses.ts";
import { decompositionLines, gainLines, heldOutLines, lossLines, remarkLines } from "./measureOutput.ts";
import { print } from "./stdout.ts";
import { representationOf } from "./predictionShapes.ts";
import { nothingKnown, partLines, sweep, type Swept } from "./sweep.ts";

export interface MeasureArraysOptions extends LossChoice {
  readonly predictions: string;
  readonly targets: string;
  readonly rotations: string | undefined;
  /** What predictions that are to be rotated back are. */
  readonly kind: Representation["kind"];
  readonly group: string;
  readonly ignoreLabel: number | undefined;
  readonly seed: number;
  readonly json: boolean;
}

/**
 * Measures predictions that were made elsewhere, sample by sample, so that files may be larger than memory.
 *
 * @returns the exit code
 */
export async function measureArrays(options: MeasureArraysOptions): Promise<number> {
  return withNpy(options.predictions, (predictions) =>
    withNpy(options.targets, (targets) => measureOpened(predictions, targets, options)),
  );
}

async function measureOpened(predictions: OpenNpy, targets: OpenNpy, options: MeasureArraysOptions): Promise<number> {
  const { rotations: file, seed } = options;
  if (options.ignoreLabel !== undefined && !isLabels(predictions, targets, options)) {
    throw badOption("--ignore-label goes with targets of class labels", `${LABELS} Else leave it out.`);
  }
  const [count, rotations] = checkShapes(predictions, targets, options);
  const loss = chosenLoss(options, predictions.shape.slice(2).at(-1));
  const given = file === undefined ? undefined : await readRotations(predictions.shape, file, options);
  const group = isRotationSource(options.group) ? options.group : await chosenGroup(options.group);
  const tally = new PredictionTally(rotations, { group, rotations: given, loss, seed });
  const labels = isLabels(predictions, targets, options);
  const classes = predictions.shape.at(-1)!;
  const size = product(predictions.shape.slice(2));
  const own = labels ? size / classes : size;
  const swept = await sweep("sample", count, async (n) => {
    const predicted = await predictions.read(n * rotations * size, rotations * size);
    const target = await targets.read(n * own, own);
    if (!labels) {
      tally.add(predicted, target);
      return;
    }
    const ignore = options.ignoreLabel;
    const { oneHot, kept } = labelTarget(target, { classes, ignore }, `sample ${n} of ${options.targets}`);
    tally.add(predicted, oneHot, kept);
  });
  if (swept.done === 0) return nothingKnown("sample", swept);
  printResult(tally.result(), swept, options);
  return swept.code;
}

function printResult(found: PredictionMeasurement, swept: Swept, options: MeasureArraysOptions): void {
  const { group, gains, heldOut, ignored, samples, betterReading, ...result } = found;
  const squared = result.loss === squaredError.name;
  const remarks = [
    ...(betterReading ? [readingRemark(betterReading, samples, squared ? undefined : "the mean squared error")] : []),
    ...zeroRemarks(result.lossTotal, result.lossZero, ARRAYS_ADVICE),
  ];
  const { predictions, targets, rotations: rotationFile = null, seed, json } = options;
  const delta = deltaOf(options);
  if (json) {
    const shown = {
      ...result,
      delta,
      samples,
      gains,
      heldOut,
      ignored,
      remarks,
      betterReading: betterReading ?? null,
      interrupted: swept.interrupted,
    };
    printJson({ type: "measure", group, ...shown, seed, predictions, targets, rotationFile });
    return;
  }
  print([`${samples} samples of ${predictions}, ${result.rotations} rotations each, ${howOf(found)}`, ""]);
  const loss = lossLines(result, { delta, estimated: !result.exact });
  const lines = [
    ...decompositionLines(result),
    "",
    ...remarkLines(remarks),
    // Averages of some rotations of a quadrature say nothing.
    ...(isQuadrature(group) ? [] : gainLines(found)),
    ...heldOutLines(heldOut),
  ];
  if (ignored > 0) lines.unshift(`${ignored} values with the ignored label do not count.`, "");
  print([...partLines(swept, "samples"), ...loss, ...lines]);
}

function howOf({ group, exact }: PredictionMeasurement): string {
  if (isRotationSource(group)) return HOW[group];
  if (isQuadrature(group)) return `${group}, a fixed rule with weights: nothing is drawn`;
  return exact ? `all elements of ${group}` : `of the elements of ${group}`;
}

function isQuadrature(group: string): boolean {
  return group.startsWith("quadrature-") && isGroupName(group);
}

function isRotationSource(group: string): group is RotationSource {
  return Object.hasOwn(HOW, group);
}

const HOW: Record<RotationSource, string> = {
  octahedral: "of the 24 of the octahedral group",
  "full-octahedral": "of the 48 of the full octahedral group, with reflections (determinant -1)",
  so3: "independent draws",
  mirrors: "of the 8 mirrors",
  "cyclic2-x": "of the two about x",
  "cyclic2-y": "of the two about y",
  "cyclic2-z": "of the two about z",
  "cyclic4-x": "of the four about x",
  "cyclic4-y": "of the four about y",
  "cyclic4-z": "of the four about z",
};

const LABELS = "Labels are (N, ...), with --loss brier, cross-entropy or cross-entropy-probabilities.";

/** Whether targets have the shape of predictions without the axis of classes. */
function isLabels(predictions: OpenNpy, targets: OpenNpy, options: MeasureArraysOptions): boolean {
  const [n, , ...rest] = predictions.shape;
  return takesLabels(options) && rest.length > 0 && targets.shape.join() === [n, ...rest.slice(0, -1)].join();
}

/** @returns numbers of samples and of predictions for each */
function checkShapes(predictions: OpenNpy, targets: OpenNpy, options: MeasureArraysOptions): [number, number] {
  const [n, samples, ...rest] = predictions.shape;
  const [m, ...wanted] = targets.shape;
  const shapes = `(${predictions.shape.join(", ")}) and ${options.targets} (${targets.shape.join(", ")})`;
  if (
    n === undefined ||
    samples === undefined ||
    n !== m ||
    !(rest.join() === wanted.join() || isLabels(predictions, targets, options))
  ) {
    throw new VoxtwirlError(
      "bad-file",
      `${options.predictions} ${shapes} do not belong together`,
      takesLabels(options)
        ? `Give predictions (N, samples, ..., classes) and targets (N, ..., classes). ${LABELS}`
        : "Give predictions (N, samples, ...) and targets (N, ...).",
    );
  }
  if (samples < 2 || product(targets.shape) === 0) {
    throw new VoxtwirlError(
      "bad-file",
      `${options.predictions} ${shapes} are too few to measure a variance`,
      "Give at least one sample, and at least two rotated predictions of each.",
    );
  }
  return [n, samples];
}

/** The rotations in a file, for raw predictions of a shape. */
async function readRotations(
  shape: readonly number[],
  file: string,
  { predictions: predictionFile, kind }: MeasureArraysOptions,
): Promise<PredictionRotations> {
  const output = representationOf(kind, shape, predictionFile);
  const [count, rotations] = shape;
  const matrices = await readNpy(file);
  const given = matrices.shape.join();
  if (given !== [rotations, 3, 3].join() && given !== [count, rotations, 3, 3].join()) {
    throw new VoxtwirlError(
      "bad-file",
      `${file} (${matrices.shape.join(", ")}) does not hold ${rotations} rotations`,
      `Give (${rotations}, 3, 3) for all samples alike, or (${count}, ${rotations}, 3, 3).`,
    );
  }
  return { matrices: matrices.data, output, name: file };
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
