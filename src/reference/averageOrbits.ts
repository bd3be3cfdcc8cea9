import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/averageOrbits.wgsl: a new vector. */
export function averageOrbits(
  values: ArrayLike<number>,
  { starts, members }: { readonly starts: ArrayLike<number>; readonly members: ArrayLike<number> },
): Float64Array {
  const result = Float64Array.from(values);
  for (let o = 0; o + 1 < starts.length; o++) {
    const orbit = Array.from({ length: starts[o + 1]! - starts[o]! }, (_, i) => members[starts[o]! + i]!);
    const mean = orbit.reduce((sum, at) => sum + values[at]!, 0) / orbit.length;
    for (const at of orbit) result[at] = mean;
  }
  return result;
}

export const twins: Twins = {
  averageOrbits: twin<"starts" | "members" | "values", never>(({ values, ...orbits }) => {
    return { values: averageOrbits(values, orbits) };
  }),
};
