import { frameLabels, type LabelNames } from "../formats/frameLabels.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import { labelFault } from "./labelFault.ts";
import type { PredictedCopy, PredictedRepeat } from "./predictedCopy.ts";
import type { RepeatKind } from "./repeats.ts";
import type { RotatedFault, RotatedStructure } from "./rotatedStructure.ts";
import { farthestFrom, sameElements } from "./sameAtoms.ts";
import type { TwirlMark } from "./twirlKeys.ts";

type Kind = RepeatKind | "draw";

/** Names of predictions and of labels. */
export interface CollectedNames {
  readonly names?: LabelNames | undefined;
  readonly labelNames?: LabelNames | undefined;
}

/** A frame while predictions for its copies are collected. */
export class CollectedFrame {
  readonly #original: NumberedFrame;
  readonly #names: CollectedNames;
  /** What the first copy says that has a group. */
  #group: Pick<TwirlMark, "group" | "order"> | undefined;
  readonly #kinds = new Map<Kind, { readonly expected: number; readonly copies: Map<number, PredictedCopy> }>();

  constructor(original: NumberedFrame, names: CollectedNames) {
    this.#original = original;
    this.#names = names;
  }

  /** What is wrong with the prediction, to go on with "predicted frame 3 ..."; undefined where it is kept. */
  add(
    predicted: NumberedFrame,
    { copy, copies: expected, rotation, group, order, repeat }: TwirlMark,
    tolerance: number,
  ): Pick<RotatedFault, "kind" | "message"> | undefined {
    const kind = repeat?.kind ?? "draw";
    const own = this.#kinds.get(kind) ?? { expected, copies: new Map<number, PredictedCopy>() };
    const before = own.copies.get(copy);
    if (before !== undefined) return { kind: "doubled", message: `is there already, as ${before.predicted.number}` };
    if (!sameElements(predicted, this.#original)) {
      return { kind: "foreign", message: "has other elements than that, or another order" };
    }
    const distance = farthestFrom(predicted, this.#original, rotation);
    if (!(distance <= tolerance)) {
      const message = `has atoms ${distance.toPrecision(3)} A from where its rotation has them: were they moved?`;
      return { kind: "foreign", message };
    }
    own.copies.set(copy, {
      ...{ copy, rotation, predicted, labels: frameLabels(predicted, this.#names.names) },
      ...repeat,
    });
    this.#kinds.set(kind, own);
    this.#group ??= group === undefined ? undefined : { group, ...(order !== undefined && { order }) };
    return undefined;
  }

  /** All that was collected; what is missing is told. */
  whole(onFault: (fault: RotatedFault) => void): RotatedStructure {
    const original = this.#original;
    for (const kind of this.#kinds.keys()) this.#tellMissing(kind, onFault);
    const copies = this.#sorted("draw");
    const fault = labelFault(frameLabels(original, this.#names.labelNames), copies);
    if (fault !== undefined) {
      const message = `of frame ${original.number} ${fault}`;
      onFault({ kind: "labels", frame: original.number, message });
    }
    const repeats = [...this.#kinds.keys()].filter((kind) => kind !== "draw").flatMap((kind) => this.#sorted(kind));
    return {
      ...{ original, expected: this.#kinds.get("draw")?.expected ?? 0, ...this.#group, copies },
      repeats: repeats as PredictedRepeat[],
    };
  }

  #sorted(kind: Kind): PredictedCopy[] {
    return [...(this.#kinds.get(kind)?.copies.values() ?? [])].sort((a, b) => a.copy - b.copy);
  }

  #tellMissing(kind: Kind, onFault: (fault: RotatedFault) => void): void {
    const { expected, copies } = this.#kinds.get(kind)!;
    const missing = expected - copies.size;
    if (missing <= 0) return;
    const { number } = this.#original;
    const named: number[] = [];
    for (let copy = 1; named.length < Math.min(3, missing); copy++) if (!copies.has(copy)) named.push(copy);
    const which = `${named.join(", ")}${missing > named.length ? " and others" : ""}`;
    const what = kind === "draw" ? "copies" : `copies "${kind}"`;
    const message = `${missing} of ${expected} ${what} of frame ${number} have no prediction: ${which}`;
    onFault({ kind: "missing", frame: number, message });
  }
}

/** A copy in words. */
export function nameOfCopy({ copy, kind }: { readonly copy: number; readonly kind?: RepeatKind }): string {
  return kind === undefined ? `copy ${copy}` : `copy ${copy} "${kind}"`;
}
