/**
 * Streams of the counter-based generator: uses of one seed that must never share numbers. Dropout takes a range, one
 * stream for each layer.
 */
export const streams = {
  trainPose: 0,
  trainNoise: 1,
  heldoutPose: 2,
  heldoutNoise: 3,
  dropout: 1024,
} as const;
