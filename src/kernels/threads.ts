import { workgroups1d, type Dispatch } from "../gpu/dispatch.ts";

/** Threads of a workgroup where the host gives no other number: WORKGROUP of shaders/shared/thread.wgsl. */
export const WORKGROUP = 64;

/** Workgroups of at least `count` threads; the shader finds a thread's index with `linear_thread`. */
export function threads1d(count: number, workgroup = WORKGROUP): Dispatch["workgroups"] {
  return workgroups1d(Math.ceil(count / workgroup));
}
