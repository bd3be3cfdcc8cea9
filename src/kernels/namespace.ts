// All kernels as one object, apart from index.ts: bundlers keep such an object with whatever stands beside it, and so
// programs that use one kernel would have them all.
export * from "./index.ts";
