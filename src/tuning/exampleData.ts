import { elementCount } from "../gpu/tensor.ts";
import { haarRotation } from "../equivariance/rotations.ts";
import { Random } from "../random.ts";
import type { ExampleTensor } from "../kernels/example.ts";

/** The same numbers for the same name and shape. */
export function contentsOf(
  name: string,
  shape: readonly number[],
  contents: ExampleTensor["contents"],
): Float32Array | Uint32Array {
  if (typeof contents !== "string") return contents;
  const count = elementCount(shape);
  const random = new Random(
    Array.from(name).reduce((seed, letter) => 31 * seed + letter.charCodeAt(0), count) % 2 ** 40,
  );
  switch (contents) {
    case "written":
      return new Float32Array(count).fill(NaN);
    case "elements":
      return Uint32Array.from({ length: count }, () => random.int(24));
    case "matrices":
      return Float32Array.from(Array.from({ length: count / 9 }, () => [...haarRotation(random)]).flat());
    default: {
      const middle = contents === "around 0" ? 0 : 1;
      // Between 0.5 and 1.5 where it must be positive; a large tensor repeats a long row of draws, for time.
      const width = contents === "around 0" ? 2 : 1;
      const draws = Float32Array.from(
        { length: Math.min(count, 1_000_003) },
        () => middle + width * (random.next() - 0.5),
      );
      return repeated(draws, count);
    }
  }
}

function repeated(draws: Float32Array, count: number): Float32Array {
  if (draws.length === count) return draws;
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += draws.length) {
    values.set(draws.subarray(0, Math.min(draws.length, count - at)), at);
  }
  return values;
}
