import type { BenchCase } from "../case.ts";
import { uniform } from "../data.ts";
import {
  openMeasureFrames,
  openRotateFrames,
  predictionsOf,
  rotationsOf,
  squaresOf,
  termsOf,
  type FrameShape,
} from "../frameFiles.ts";

/** The copies have a million atoms. */
const SHAPE: FrameShape = { frames: 2084, atoms: 20, copies: 24 };
const { frames, atoms, copies } = SHAPE;
const LINES = frames * atoms * copies;
/** Characters of an atom's line, without and with a prediction. */
const [LINE, PREDICTED_LINE] = [48, 110];

const text = `${frames} frames of ${atoms} atoms, ${copies} rotations`;
const inputs = ["positions", "forces"].map((name) => ({ name, shape: [frames, atoms, 3] }));
const values = (name: string, scale: number) => uniform(`frames/${name}`, frames * atoms * 3, { scale });
const positions = () => values("positions", 4);
const forces = () => values("forces", 1);

/** Files of frames: their rotated copies, and predictions for these, which ASE reads and writes too. */
export function frameCases(): BenchCase[] {
  return [rotating(), measuring()];
}

function rotating(): BenchCase {
  return {
    name: "frames/rotate",
    suite: "frames",
    shape: `${text}, from file to file`,
    flops: 15 * LINES,
    bytes: LINE * LINES,
    tolerance: 1e-6,
    peers: {
      operation: "rotateFrames",
      attributes: {},
      inputs,
      outputs: [{ name: "squares", shape: [frames] }],
    },
    data: () =>
      new Map([
        ["positions", positions()],
        ["forces", forces()],
      ]),
    open: (_, data) => openRotateFrames(SHAPE, data),
    expected: (data) => [{ output: "squares", values: squaresOf(SHAPE, data.get("positions")!) }],
  };
}

function measuring(): BenchCase {
  return {
    name: "frames/measure",
    suite: "frames",
    shape: `${text}, predicted forces read and decomposed`,
    flops: 30 * LINES,
    bytes: PREDICTED_LINE * LINES,
    tolerance: 1e-5,
    peers: {
      operation: "measureFrames",
      attributes: {},
      inputs: [
        ...inputs,
        { name: "rotations", shape: [frames * copies, 9] },
        { name: "predictions", shape: [frames * copies, atoms, 3] },
      ],
      outputs: [{ name: "terms", shape: [3] }],
    },
    data: () => {
      const given = { forces: forces(), rotations: rotationsOf(SHAPE) };
      return new Map([
        ["positions", positions()],
        ["forces", given.forces],
        ["rotations", given.rotations],
        ["predictions", predictionsOf(SHAPE, given)],
      ]);
    },
    open: (_, data) => openMeasureFrames(SHAPE, data),
    expected: (data) => [{ output: "terms", values: termsOf(SHAPE, data) }],
  };
}
