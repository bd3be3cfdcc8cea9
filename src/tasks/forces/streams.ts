/**
 * Streams of the counter-based generator: uses of one seed that must never share numbers. Dropout takes a range, one
 * stream for each layer.
 */
export const streams = { trainPose: 0, dropout: 1024 } as const;
