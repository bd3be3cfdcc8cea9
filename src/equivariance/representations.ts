import { kindOf } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";

/**
 * How rotations act on an array: a cubic grid [D, D, D, C], vectors [n, 3] as v' = R v, pseudovectors [n, 3] (torques,
 * magnetic moments) as v' = det(R) R v, tensors of rank two [n, 3, 3] (row major) as t' = R t R^T, or numbers that no
 * rotation changes.
 */
export type Representation =
  | { readonly kind: "grid"; readonly size: number; readonly channels: number }
  | { readonly kind: "vectors" }
  | { readonly kind: "pseudovectors" }
  | { readonly kind: "tensors" }
  | { readonly kind: "scalars" };

const OTHERS = ["vectors", "pseudovectors", "tensors", "scalars"];
const WORDS =
  '{ kind: "grid", size, channels }, { kind: "vectors" }, { kind: "pseudovectors" }, { kind: "tensors" } or ' +
  '{ kind: "scalars" }';

/** @throws VoxtwirlError "bad-option" where `given` is none; `name` is what to call it */
export function requireRepresentation(name: string, given: unknown): void {
  const { kind, size, channels } = (given ?? {}) as { kind?: unknown; size?: unknown; channels?: unknown };
  const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1;
  if (OTHERS.includes(kind as string)) return;
  if (kind === "grid" && whole(size) && whole(channels)) return;
  const found = (JSON.stringify(given) as string | undefined) ?? kindOf(given);
  const message = `${name} is ${found}: that is no way in which rotations act`;
  throw new VoxtwirlError("bad-option", message, `Give ${WORDS}.`);
}

/** @throws VoxtwirlError "bad-shape" where an array of this length cannot be what it is said to be */
export function requireLength(what: string, length: number, how: Representation): void {
  const size = how.kind === "grid" ? how.size ** 3 * how.channels : 0;
  const multiple = { grid: size, vectors: 3, pseudovectors: 3, tensors: 9, scalars: 1 }[how.kind];
  if (length > 0 && (how.kind === "grid" ? length === size : length % multiple === 0)) return;
  const wanted = {
    grid: `a grid of the stated size and channels holds ${size}`,
    vectors: "vectors [n, 3] hold a multiple of 3",
    pseudovectors: "pseudovectors [n, 3] hold a multiple of 3",
    tensors: "tensors [n, 3, 3] hold a multiple of 9",
    scalars: "scalars are at least one",
  }[how.kind];
  throw new VoxtwirlError(
    "bad-shape",
    `${what} holds ${length} numbers; ${wanted}`,
    "Give one sample's numbers, and how rotations act on them as their representation.",
  );
}
