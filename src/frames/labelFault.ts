import type { FrameLabels } from "../formats/frameLabels.ts";
import type { PredictedCopy } from "./predictedCopy.ts";

/** Why predictions seem to be the labels themselves, to go on with "of frame 3 ..."; undefined where they do not. */
export function labelFault({ energy, forces }: FrameLabels, copies: readonly PredictedCopy[]): string | undefined {
  const energies = copies.flatMap(({ labels }) => (labels.energy === undefined ? [] : [labels.energy]));
  if (energies.length > 1 && energies.every((value) => value === energy)) {
    return "all predicted energies are the label to the last digit: are they a copy of it?";
  }
  if (forces === undefined || forces.every((value) => value === 0)) return undefined;
  // Turned forces that are the same numbers are not turned.
  const copied = copies.find(
    ({ rotation, labels }) =>
      rotation[0]! + rotation[4]! + rotation[8]! < 3 - 1e-6 &&
      labels.forces?.length === forces.length &&
      labels.forces.every((value, i) => value === forces[i]),
  );
  return copied && `the forces of copy ${copied.copy} are the labels to the last digit, not turned`;
}
