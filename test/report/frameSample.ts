import { octahedral, so3 } from "../../src/equivariance/groups.ts";
import type { FrameMeasurement, FrameTallyOptions } from "../../src/frames/frameMeasurement.ts";
import { measureFrames } from "../../src/frames/measureFrames.ts";
import { forcesOf, labelledFrames, predictedFrames, withField } from "../frames/predicting.ts";

/** A name that must not break out of where it stands. */
export const HOSTILE = `</script><script>alert(1)</script>"'`;

/** A measurement of twelve frames with a field that does not turn; with labels, details and a dipole. */
export async function frameSample({
  labelled = true,
  exact = true,
  ...options
}: Partial<FrameTallyOptions> & { labelled?: boolean; exact?: boolean } = {}): Promise<FrameMeasurement> {
  const original = labelledFrames(12).map((frame) => ({
    ...frame,
    cell: Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5),
    ...(labelled ? {} : { arrays: new Map(), info: new Map() }),
  }));
  const group = exact ? octahedral : so3();
  const predicted = await predictedFrames(labelledFrames(12), { group, twirl: 24, seed: 3 }, (rotation, frame) => ({
    info: { energy: -2000 - 13 * frame.elements.length + 0.1 * rotation[8]!, [HOSTILE]: [1, 2, 3 + rotation[0]!] },
    arrays: { forces: withField(rotation, forcesOf(frame), 0.2 + 0.01 * frame.number).map((value) => 0.9 * value) },
  }));
  return measureFrames({ predicted, original, unit: "eV", details: true, ...options });
}
