// y = x, the traffic of memory and nothing else.
//
// x, y  vec4<f32>[count]
// EACH: elements of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(count / EACH)).
#import thread

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
    y[i] = x[i];
  }
}
