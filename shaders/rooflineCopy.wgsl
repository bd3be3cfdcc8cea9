// y = x, the traffic of memory and nothing else.
//
// x, y  vec4<f32>[count]
// Dispatch: workgroups1d(ceil(count / (64 * 64))); a thread takes 64 elements, 64 apart.
#import grid

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * 4096u + lane;
  for (var i = first; i < min(first + 4096u, params.count); i += 64u) {
    y[i] = x[i];
  }
}
