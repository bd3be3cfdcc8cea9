// Entries of a vector that belong together become their mean, in place.
//
//   values[m] = mean over m' of the orbit of m of values[m']
//
// Bindings: values [count]; starts [orbits + 1], members: orbit o has the entries members[starts[o] .. starts[o + 1]].
// An entry is in one orbit at most; those in none stay. One invocation per orbit, which adds in the order of members.
// Dispatch: threads1d(orbits).
#import thread

struct Params {
  orbits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> members: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let orbit = linear_thread(wid, num, lane);
  if (orbit >= params.orbits) {
    return;
  }
  let first = starts[orbit];
  let end = starts[orbit + 1u];
  var sum = 0.0;
  for (var i = first; i < end; i++) {
    sum += values[members[i]];
  }
  let mean = sum / f32(end - first);
  for (var i = first; i < end; i++) {
    values[members[i]] = mean;
  }
}
