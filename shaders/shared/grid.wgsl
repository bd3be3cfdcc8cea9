// The index of a workgroup in a dispatch made by workgroups1d() of src/gpu/dispatch.ts, which folds a long row into two
// dimensions. Indices at or above the true count occur in the last row: the caller must ignore them.
fn linear_workgroup(wid: vec3<u32>, num: vec3<u32>) -> u32 {
  return wid.x + wid.y * num.x;
}
