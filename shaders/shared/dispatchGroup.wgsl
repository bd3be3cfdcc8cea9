// The table of a dispatch that makes many calls (`DispatchGroup` in src/gpu/dispatchGroup.ts). A row of ROW numbers for
// each: its first workgroup, the first elements of its two tensors, and the kernel's own.
fn row_of(workgroup: u32) -> u32 {
  var low = 0u;
  var high = params.calls;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (table[middle * ROW] <= workgroup) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low * ROW;
}
