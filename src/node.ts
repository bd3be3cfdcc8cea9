// The public API for Node: everything of "voxtwirl" plus Dawn, adapter choice and files. Imported as "voxtwirl/node".
export * from "./index.ts";
export { openAdapter, type OpenAdapterOptions, type OpenedAdapter } from "./node/open.ts";
export { openGpu, type OpenGpuOptions } from "./node/openGpu.ts";
export { withNap } from "./node/nap.ts";
