// A file of dist that nobody imports by name. It sets what trains a denoiser apart from modules that know all kernels:
// bundlers keep whole files of those, and a page that trains would carry every other task's kernels.
export { Gpu } from "./gpu/gpu.ts";
export { voxels } from "./tasks/voxels/voxels.ts";
export { train } from "./training/loop.ts";
export { Training } from "./training/training.ts";
