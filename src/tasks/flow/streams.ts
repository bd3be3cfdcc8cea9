/** Streams of the counter-based generator: uses of one seed that must never share numbers. */
export const streams = { trainPose: 0, window: 1, time: 2, noise: 3, selfCondition: 4 } as const;
