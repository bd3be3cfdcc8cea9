import {
  requireArray,
  requireFinite,
  requireIterable,
  requireObject,
  requirePositive,
  requireWhole,
} from "../check.ts";
import { requireRotationGroup, type Rotation, type RotationGroup } from "../equivariance/groups.ts";
import { isGroupName } from "../equivariance/namedGroups.ts";
import { usualTwirl } from "../equivariance/symmetryGroup.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Frame, NumberedFrame } from "../molecules/frame.ts";
import { centroid } from "../molecules/molecule.ts";
import { Random } from "../random.ts";
import { Keeping } from "./keeping.ts";
import { IDENTITIES, jittered, jitteredSingle, JITTERS, nearPoses, NEAR_ANGLES, type Repeat } from "./repeats.ts";
import { twirlValues, type TwirlMark } from "./twirlKeys.ts";

/** How frames are turned. */
export interface RotateFramesOptions {
  /** From which the rotations are: octahedral(), so3() or another group of rotations. */
  readonly group: RotationGroup | (() => RotationGroup);
  /**
   * Copies of each frame: different elements of a finite group, independent draws otherwise; by default 24, or all of a
   * smaller group or of a quadrature.
   */
  readonly twirl?: number | undefined;
  /** Of the draws; 0 by default. */
  readonly seed?: number | undefined;
  /**
   * Further copies of each frame after its rotations: the frame as it is, twice; twice with all numbers of its
   * positions and cell a unit of their last digit up or down; and twice with them a bit of single precision up or down.
   */
  readonly repeats?: boolean | undefined;
  /** Further copies in which the edge from the first atom to its nearest lies along each axis, or nearly. */
  readonly nearAxes?: boolean | undefined;
  /** The unit of the last digit, in Angstrom; 1e-10 by default. */
  readonly lastDigit?: number | undefined;
  /** Moves the centroid of the atoms to the origin first. */
  readonly center?: boolean | undefined;
  /** Names of numbers that copies keep: single ones as they are, three of them as vectors that turn along. */
  readonly keep?: readonly string[] | undefined;
  /** Called at the end with the names of what copies do not have, and of what is to be kept but was nowhere. */
  readonly onNames?:
    ((names: { readonly leftOut: readonly string[]; readonly missing: readonly string[] }) => void) | undefined;
}

const IDENTITY: Rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/**
 * Copies of frames, each turned about the origin: positions, cell and origin as R v. Those of a frame, 1 to `twirl`,
 * follow one another; the values twirl_frame, twirl_copy, twirl_copies, twirl_rotation and twirl_group say which it
 * is, of a `matrixGroup` twirl_order besides.
 *
 * Labels are left out, so that nothing can be taken for a prediction: all numbers of the original but whole ones of
 * atoms, charge, spin, multiplicity, initial charges and moments, masses, and what `keep` names. Texts and truth values
 * stay.
 *
 * @throws VoxtwirlError "bad-option" for options that are none, more copies than the group has elements, and names that
 *   cannot be kept
 */
export async function* rotateFrames(
  frames: AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>,
  options: RotateFramesOptions,
): AsyncGenerator<Frame, void, undefined> {
  requireIterable("frames", frames, "Give frames: parseXyzFrames(text) or readXyzFrames(chunks).");
  const turn = frameRotator(options);
  for await (const frame of frames) yield* turn.copies(frame);
  turn.end();
}

/** Turns frames one by one. */
export interface FrameRotator {
  readonly twirl: number;
  /** The rotations of the next frame. */
  rotations(): Rotation[];
  copies(frame: NumberedFrame): Generator<Frame, void, undefined>;
  /** Calls `onNames`. */
  end(): void;
}

/** `rotateFrames` frame by frame. @throws VoxtwirlError as it does */
export function frameRotator(options: RotateFramesOptions): FrameRotator {
  requireObject("options", options, "Give { group, twirl, seed }.");
  const group = requireRotationGroup(options.group);
  const { twirl = usualTwirl(group), seed = 0, center = false, keep = [] } = options;
  const { repeats = false, nearAxes = false, lastDigit = 1e-10 } = options;
  requirePositive("lastDigit", lastDigit);
  requireWhole("twirl", twirl, 1);
  requireFinite("seed", seed);
  requireArray("keep", keep, 'Give names: ["momenta"].');
  if (twirl > group.order) {
    const message = `the group ${group.name} has ${group.order} elements, not ${twirl}`;
    throw new VoxtwirlError("bad-option", message, `Give a whole number from 1 to ${group.order}.`);
  }
  const random = new Random(seed);
  // Apart from the draws, which are the same without.
  const jitter = new Random(seed + 1);
  const keeping = new Keeping(keep);
  const rotations = () => group.sample(random, twirl);
  return {
    twirl,
    rotations,
    *copies(frame) {
      const { elements, pbc } = frame;
      const shift = center ? centroid(frame.positions) : [0, 0, 0];
      const places = moved(frame.positions, shift);
      const origin = frame.origin && moved(frame.origin, shift);
      const [columns, values] = [keeping.columns(frame), keeping.values(frame)];
      const turned = (mark: Omit<TwirlMark, "frame">, from = { places, cell: frame.cell }) => {
        const { rotation } = mark;
        const marks = twirlValues({ frame: frame.number, ...mark });
        return {
          elements,
          positions: group.actOnPoints(rotation, from.places),
          ...(from.cell && { cell: group.actOnPoints(rotation, from.cell) }),
          ...(pbc && { pbc }),
          ...(origin && { origin: group.actOnPoints(rotation, origin) }),
          arrays: new Map(columns.map(([name, column]) => [name, column(rotation)])),
          info: new Map([...marks, ...values.map(([name, value]) => [name, value(rotation)] as const)]),
        };
      };
      let copy = 0;
      for (const rotation of rotations()) {
        yield turned({ copy: ++copy, copies: twirl, rotation, ...groupMark(group) });
      }
      const identity = (repeat: Repeat, which: number, copies: number, change = (points: Float64Array) => points) =>
        turned(
          { copy: which + 1, copies, rotation: IDENTITY, repeat },
          { places: change(places), cell: frame.cell && change(frame.cell) },
        );
      if (repeats) {
        for (let i = 0; i < IDENTITIES; i++) yield identity({ kind: "identity" }, i, IDENTITIES);
        for (let i = 0; i < JITTERS; i++) {
          yield identity({ kind: "jitter" }, i, JITTERS, (points) => jittered(points, lastDigit, jitter));
        }
        for (let i = 0; i < JITTERS; i++) {
          yield identity({ kind: "jitter single" }, i, JITTERS, (points) => jitteredSingle(points, jitter));
        }
      }
      if (nearAxes) {
        for (const [i, { repeat, rotation }] of nearPoses(frame).entries()) {
          yield turned({ copy: 1 + (i % NEAR_ANGLES.length), copies: NEAR_ANGLES.length, rotation, repeat });
        }
      }
    },
    end() {
      const missing = keep.filter((name) => !keeping.found.has(name));
      options.onNames?.({ leftOut: [...keeping.leftOut], missing });
    },
  };
}

/** Elements of known groups are counted by these. */
function groupMark({ name, order }: RotationGroup): Pick<TwirlMark, "group" | "order"> {
  return { group: name, ...(Number.isFinite(order) && !isGroupName(name) && { order }) };
}

function moved(points: Float64Array, shift: readonly number[]): Float64Array {
  return points.map((value, i) => value - shift[i % 3]!);
}
