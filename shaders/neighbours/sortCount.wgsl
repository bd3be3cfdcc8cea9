// How often each value of a digit occurs in each run of items (shared/sortKey.wgsl), the first pass of three.
//
// Bindings: keys, order [structures, items]; found [structures, BINS, runs], written. One invocation per run.
// Constants: BINS, RUN, FIRST. Dispatch: threads1d(structures runs).
#import sortKey
#import thread

@group(0) @binding(3) var<storage, read_write> found: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let structure = index / params.runs;
  let run = index % params.runs;
  if (structure >= params.structures) {
    return;
  }
  let to = structure * BINS * params.runs + run;
  for (var bin = 0u; bin < BINS; bin++) {
    found[to + bin * params.runs] = 0u;
  }
  let first = structure * params.items;
  let end = first + min((run + 1u) * RUN, params.items);
  for (var place = first + run * RUN; place < end; place++) {
    found[to + digit_of(key_of(item_at(place), structure)) * params.runs] += 1u;
  }
}
