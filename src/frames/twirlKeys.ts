/** What says on a copy's comment line which rotation of which frame it is. */
import { requireFrame } from "../formats/checkFrame.ts";
import { flatNumbers } from "../formats/frameLabels.ts";
import type { Rotation } from "../equivariance/groups.ts";
import type { Frame, InfoValue } from "../molecules/frame.ts";
import { repeatKind, type Repeat } from "./repeats.ts";

const keys = {
  frame: "twirl_frame",
  copy: "twirl_copy",
  copies: "twirl_copies",
  rotation: "twirl_rotation",
  group: "twirl_group",
  order: "twirl_order",
  repeat: "twirl_repeat",
  angle: "twirl_angle",
} as const;

/** Which copy of which frame something is. */
export interface TwirlMark {
  /** Number of the frame in its file, from 1. */
  readonly frame: number;
  /** From 1 to `copies`. */
  readonly copy: number;
  /** How many that frame has. */
  readonly copies: number;
  /** Active, row major: positions are R p. */
  readonly rotation: Rotation;
  /** Name of the group that it is drawn from. */
  readonly group?: string;
  /** How many elements a finite group has that is not known by its name: `matrixGroup`. */
  readonly order?: number;
  /** Of a copy that is no draw. `copy` counts those of its kind, and `copies` is how many of these there are. */
  readonly repeat?: Repeat;
}

export function isTwirlKey(name: string): boolean {
  return (Object.values(keys) as string[]).includes(name);
}

/** A mark as values of a frame. */
export function twirlValues(mark: TwirlMark): [string, InfoValue][] {
  const { frame, copy, copies, rotation, group, order, repeat } = mark;
  return [
    [keys.frame, frame],
    [keys.copy, copy],
    [keys.copies, copies],
    [keys.rotation, [...rotation]],
    ...(group === undefined ? [] : [[keys.group, group] as [string, InfoValue]]),
    ...(order === undefined ? [] : [[keys.order, order] as [string, InfoValue]]),
    ...(repeat === undefined ? [] : [[keys.repeat, repeat.kind] as [string, InfoValue]]),
    ...(repeat?.angle === undefined ? [] : [[keys.angle, repeat.angle] as [string, InfoValue]]),
  ];
}

/**
 * The mark of a frame, as `rotateFrames` leaves it; undefined where it has none, or not a whole one.
 *
 * @throws VoxtwirlError "bad-option" for what is no frame
 */
export function twirlMark(frame: Frame): TwirlMark | undefined {
  requireFrame(frame);
  const { info } = frame;
  const [number, copy, copies] = [keys.frame, keys.copy, keys.copies].map((key) => info.get(key));
  const rotation = flatNumbers(info.get(keys.rotation));
  if (!isCount(number) || !isCount(copy) || !isCount(copies) || copy > copies) return undefined;
  const [group, order] = [info.get(keys.group), info.get(keys.order)];
  if (rotation?.length !== 9) return undefined;
  const [kind, angle] = [repeatKind(info.get(keys.repeat)), info.get(keys.angle)];
  // Of a kind that is not known it must not count as a draw.
  if (info.has(keys.repeat) && kind === undefined) return undefined;
  return {
    ...{ frame: number, copy, copies, rotation },
    ...(typeof group === "string" && { group }),
    ...(isCount(order) && { order }),
    ...(kind !== undefined && { repeat: { kind, ...(typeof angle === "number" && { angle }) } }),
  };
}

function isCount(value: InfoValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
