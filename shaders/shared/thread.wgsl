// The threads of a dispatch made by threads1d() of src/kernels/threads.ts, WORKGROUP of them in a workgroup: as many as
// the host says, or else these.
#import grid

#ifndef WORKGROUP
const WORKGROUP = 64;
#endif

// The index of a thread. Indices at or above the true count occur: the caller must ignore them.
fn linear_thread(wid: vec3<u32>, num: vec3<u32>, lane: u32) -> u32 {
  return linear_workgroup(wid, num) * WORKGROUP + lane;
}
