// How often each value of a digit occurs in a structure.
//
//   totals[s, bin] = sum over runs of found[s, bin, run]
//
// Bindings: found [structures, BINS, runs]; totals [structures, BINS], written. One invocation per total.
// Dispatch: threads1d(structures BINS).
#import thread

struct Params { totals: u32, runs: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> totals: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  if (index >= params.totals) {
    return;
  }
  var total = 0u;
  for (var run = 0u; run < params.runs; run++) {
    total += found[index * params.runs + run];
  }
  totals[index] = total;
}
