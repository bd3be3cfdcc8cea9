import type { Measurement } from "../equivariance/decomposition.ts";

/** The losses of a measurement, without its samples and gains. */
export function lossesOf({ samples: _, rotations: __, gains: ___, ...losses }: Measurement) {
  return losses;
}
