import { kindOf, requireArray, requireFunction, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Random } from "../random.ts";
import type { FloatArray } from "./numbers.ts";
import type { Representation } from "./representations.ts";

/** How the elements T of a group act on arrays. */
export interface SymmetryActions<Element = unknown> {
  /** T^-1. */
  inverse(element: Element): Element;
  /** T x, an array of the same length; `how` is what the array was said to be. The array given stays as it is. */
  act(element: Element, values: FloatArray, how: Representation): FloatArray;
  /** The voxels of a grid of `size` voxels along an edge that are compared, in rising order; all by default. */
  compared?(size: number): Uint32Array;
}

/** A group of symmetries as the measurements use it, whatever its elements are. */
export interface SymmetryGroup<Element = unknown> extends SymmetryActions<Element> {
  readonly name: string;
  /** Number of elements, Infinity where they cannot be counted. */
  readonly order: number;
  /** `count` elements, uniform: different ones of a finite group, independent draws otherwise. */
  sample(random: Random, count: number): Element[];
  /** All elements of a finite group. */
  enumerate?(): Element[];
  /**
   * Of each element, in the order of `enumerate`, positive, with the sum 1: of a rule that stands for a larger group,
   * whose elements go together. All alike by default.
   */
  readonly weights?: readonly number[] | undefined;
}

/** Elements of each sample where no number is asked for: 24, or all of a smaller group or of a rule with weights. */
export function usualTwirl({ order, weights }: Pick<SymmetryGroup, "order" | "weights">): number {
  return weights ? order : Math.min(24, order);
}

/** What makes a finite group. */
export interface FiniteGroupOptions<Element> extends SymmetryActions<Element> {
  readonly name: string;
  readonly elements: readonly Element[];
}

/**
 * The group of the given elements. For the twirled prediction to be equivariant they have to be one: all different,
 * with each element's inverse and with each two elements' product among them. That is not checked.
 *
 * @throws VoxtwirlError "bad-option" for elements that are no array, or for none, and without the actions
 */
export function finiteGroup<Element>(options: FiniteGroupOptions<Element>): SymmetryGroup<Element> {
  requireObject("options", options, "Give { name, elements, inverse, act }.");
  const { elements, ...others } = options;
  requireArray("elements", elements, "Give all elements of the group.");
  const actions = others as unknown as Record<string, unknown>;
  for (const name of ["inverse", "act"]) requireFunction(name, actions[name], "Give { inverse, act }.");
  if (elements.length === 0) throw new VoxtwirlError("bad-option", "a group has an element", "Give the identity.");
  return { ...others, ...countedElements(elements.length, (i) => elements[i]!) };
}

/** Elements that are numbered from 0: different ones are drawn, every set of `count` equally likely. */
export function countedElements<Element>(
  order: number,
  at: (i: number) => Element,
): Pick<Required<SymmetryGroup<Element>>, "order" | "sample" | "enumerate"> {
  return {
    order,
    sample: (random, count) => drawDifferent(random, count, order).map(at),
    enumerate: () => Array.from({ length: order }, (_, i) => at(i)),
  };
}

/** Floyd's sampling without replacement, which keeps no list of all (Bentley and Floyd, 1987). */
function drawDifferent(random: Random, count: number, order: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > order) {
    const message = `cannot draw ${count} different elements of ${order}`;
    throw new VoxtwirlError("bad-option", message, `Give a whole number from 1 to ${order}.`);
  }
  const drawn = new Set<number>();
  for (let last = order - count; last < order; last++) {
    const i = random.int(last + 1);
    drawn.add(drawn.has(i) ? last : i);
  }
  return [...drawn];
}

/**
 * The group that a caller gave, as itself or as the function that makes it.
 *
 * @throws VoxtwirlError "bad-option" when it is none
 */
export function requireGroup(given: unknown): SymmetryGroup {
  const group: unknown = typeof given === "function" ? (given as () => unknown)() : given;
  const { sample, act, inverse } = (group ?? {}) as Partial<SymmetryGroup>;
  if ([sample, act, inverse].every((one) => typeof one === "function")) return group as SymmetryGroup;
  const found = typeof given === "string" ? JSON.stringify(given) : kindOf(given);
  const fix = "Give octahedral(), so3() or another SymmetryGroup.";
  throw new VoxtwirlError("bad-option", `group is ${found}, no group of symmetries`, fix);
}
