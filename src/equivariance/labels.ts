import { requireNumbers, requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";

/** A target of class labels, as losses of distributions take it. */
export interface LabelTarget {
  /** As [..., classes]: label k is 1 at k and 0 elsewhere; an ignored one is 0 everywhere. */
  readonly oneHot: Float32Array;
  /** Which labels count, as `Tally.add` takes it; undefined where all do. */
  readonly kept: Uint32Array | undefined;
}

/**
 * Class labels as one-hot distributions.
 *
 * @param options `ignore` is a label that does not count, such as 255; none by default
 * @param what names them in errors
 * @throws VoxtwirlError "bad-shape" for a label that is neither `ignore` nor a whole number from 0 to classes - 1, and
 *   where none counts; "bad-option" for fewer than two classes
 */
export function labelTarget(
  labels: ArrayLike<number>,
  options: { readonly classes: number; readonly ignore?: number | undefined },
  what = "the target",
): LabelTarget {
  requireObject("options", options, "Give { classes }.");
  const { classes, ignore } = options;
  requireNumbers("labels", labels);
  requireWhole("classes", classes, 2);
  const oneHot = new Float32Array(labels.length * classes);
  const kept = new Uint32Array(labels.length);
  let count = 0;
  for (let v = 0; v < labels.length; v++) {
    const label = labels[v]!;
    if (label === ignore) continue;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      const message = `${what} has the label ${label} at ${v}, and predictions have the classes 0 to ${classes - 1}`;
      throw new VoxtwirlError("bad-shape", message, "Number the classes from 0; name a label that does not count.");
    }
    oneHot[v * classes + label] = 1;
    kept[count++] = v;
  }
  if (count === 0) {
    throw new VoxtwirlError("bad-shape", `${what} has no label that counts`, "Leave that sample out.");
  }
  return { oneHot, kept: count < labels.length ? kept.slice(0, count) : undefined };
}

/** Of arrays [..., values, each], one after another, the values that are kept. */
export function keepValues(values: ArrayLike<number>, of: number, each: number, kept: Uint32Array): Float64Array {
  const arrays = values.length / (of * each);
  const found = new Float64Array(arrays * kept.length * each);
  let to = 0;
  for (let a = 0; a < arrays; a++) {
    for (const v of kept) for (let e = 0; e < each; e++) found[to++] = values[(a * of + v) * each + e]!;
  }
  return found;
}
