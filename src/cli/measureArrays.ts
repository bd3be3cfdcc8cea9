import { VoxtwirlError } from "../errors.ts";
import {
  octahedralElement,
  octahedralInverses,
  octahedralPermutation,
  OCTAHEDRAL_ORDER,
} from "../equivariance/octahedral.ts";
import { Tally } from "../equivariance/tally.ts";
import { readNpy, type NpyArray } from "../node/npy.ts";
import { decompositionLines, gainLines, print, printJson } from "./measureOutput.ts";

export interface MeasureArraysOptions {
  readonly predictions: string;
  readonly targets: string;
  readonly rotations: string | undefined;
  readonly group: "octahedral" | "so3";
  readonly seed: number;
  readonly json: boolean;
}

/** Measures predictions that were made elsewhere. */
export async function measureArrays(options: MeasureArraysOptions): Promise<void> {
  const { group, seed, json } = options;
  const predictions = await readNpy(options.predictions);
  const targets = await readNpy(options.targets);
  const [molecules, samples] = checkShapes(predictions, targets, options);
  const groupOrder = group === "octahedral" ? OCTAHEDRAL_ORDER : Infinity;
  if (samples > groupOrder) {
    throw new VoxtwirlError(
      "bad-option",
      `${options.predictions} has ${samples} predictions a sample, the octahedral group has ${OCTAHEDRAL_ORDER} elements`,
      "For independent draws use --group so3.",
    );
  }
  const rotateBack =
    options.rotations === undefined ? undefined : await unrotation(options, options.rotations, predictions.shape);
  const elements = targets.data.length / molecules;
  const tally = new Tally({ rotations: samples, groupOrder, seed });
  for (let n = 0; n < molecules; n++) {
    const size = samples * elements;
    const rows = predictions.data.subarray(n * size, (n + 1) * size);
    tally.add(rotateBack ? rotateBack(rows, n) : rows, targets.data.subarray(n * elements, (n + 1) * elements));
  }
  const { gains, samples: measured, ...result } = tally.result();
  if (json) {
    const { predictions: file, targets: targetFile, rotations: rotationFile = null } = options;
    const source = { predictions: file, targets: targetFile, rotationFile };
    printJson({ type: "measure", group, ...result, samples: measured, gains, seed, ...source });
    return;
  }
  const how = group === "so3" ? "independent draws" : `of the ${OCTAHEDRAL_ORDER} of the octahedral group`;
  print([`${measured} samples of ${options.predictions}, ${samples} rotations each, ${how}`, ""]);
  print([...decompositionLines(result), "", ...gainLines(gains, measured)]);
}

/** @returns numbers of samples and of predictions for each */
function checkShapes(predictions: NpyArray, targets: NpyArray, options: MeasureArraysOptions): [number, number] {
  const [n, samples, ...rest] = predictions.shape;
  const [m, ...wanted] = targets.shape;
  const shapes = `(${predictions.shape.join(", ")}) and ${options.targets} (${targets.shape.join(", ")})`;
  if (n === undefined || samples === undefined || n !== m || rest.join() !== wanted.join()) {
    throw new VoxtwirlError(
      "bad-file",
      `${options.predictions} ${shapes} do not belong together`,
      "Give predictions (N, samples, ...) and targets (N, ...).",
    );
  }
  if (samples < 2 || targets.data.length === 0) {
    throw new VoxtwirlError(
      "bad-file",
      `${options.predictions} ${shapes} are too few to measure a variance`,
      "Give at least one sample, and at least two rotated predictions of each.",
    );
  }
  return [n, samples];
}

/** Rotates the raw predictions of sample n back, by the rotations in a file. */
async function unrotation(
  { group, predictions: predictionFile }: MeasureArraysOptions,
  file: string,
  shape: readonly number[],
): Promise<(rows: Float32Array | Float64Array, n: number) => Float64Array> {
  const matrices = await readNpy(file);
  const [molecules, samples, depth, height, width, channels] = shape as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fail = (what: string, fix: string) => new VoxtwirlError("bad-file", what, fix);
  if (shape.length !== 6 || depth !== height || depth !== width) {
    const what = `${predictionFile} (${shape.join(", ")}) does not hold voxel grids to rotate back`;
    throw fail(
      what,
      "With --rotations give (N, samples, D, D, D, C), channels last; else rotate predictions back yourself.",
    );
  }
  const given = matrices.shape.join();
  const own = given === [molecules, samples, 3, 3].join();
  if (!own && given !== [samples, 3, 3].join()) {
    const what = `${file} (${matrices.shape.join(", ")}) does not hold ${samples} rotations`;
    throw fail(what, `Give (${samples}, 3, 3) for all samples alike, or (${molecules}, ${samples}, 3, 3).`);
  }
  const elements = Array.from({ length: matrices.data.length / 9 }, (_, i) => {
    const element = octahedralElement(matrices.data.subarray(9 * i, 9 * i + 9));
    if (element !== undefined) return element;
    throw fail(
      `${file}: matrix ${i} is not one of the 24 rotations of the cube`,
      "Rotate such predictions back yourself, and leave --rotations out.",
    );
  });
  for (let start = 0; group === "octahedral" && start < elements.length; start += samples) {
    if (new Set(elements.slice(start, start + samples)).size < samples) {
      throw fail(`${file} has a rotation twice among those of a sample`, "For independent draws use --group so3.");
    }
  }
  const permutations = octahedralInverses.map((inverse) => octahedralPermutation(depth, inverse));
  const size = depth ** 3 * channels;
  return (rows, n) => {
    const rotated = new Float64Array(rows.length);
    for (let i = 0; i < samples; i++) {
      permutations[elements[(own ? n * samples : 0) + i]!]!.forEach((from, to) => {
        const source = i * size + from * channels;
        rotated.set(rows.subarray(source, source + channels), i * size + to * channels);
      });
    }
    return rotated;
  };
}
