// Second pass of the reductions: adds slices in their order to what is there already.
//
//   y[i] += sum over slices s of partial[s, i]
//
// Bindings: partial [slices, count], y [count]. One invocation per element of y.
// Constants: WORKGROUP. Dispatch: workgroups1d(ceil(count / WORKGROUP)).
#import grid

struct Params {
  slices: u32,
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let at = linear_workgroup(wid, num) * WORKGROUP + local;
  if (at >= params.count) {
    return;
  }
  var source = at;
  var sum = 0.0;
  for (var slice = 0u; slice < params.slices; slice++) {
    sum += partial[source];
    source += params.count;
  }
  y[at] += sum;
}
