/** Streams of the counter-based generator: uses of one seed that must never share numbers. */
export const streams = { trainPose: 0 } as const;
