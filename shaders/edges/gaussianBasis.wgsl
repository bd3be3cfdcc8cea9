// Distances as Gaussians at even spacing (SchNet: arXiv 1706.08566):
//
//   y[e, k] = exp(-(r - spacing k)^2 / (2 width^2)),   0 in free slots, whose distance r is 0
//
// Bindings: edges [count] of (unit vector, r); y [count, columns]. Columns are counted in Reals. One thread an element
// of y.
// Constants: VEC4: the Gaussians are a multiple of 4; F16: y is stored in half precision.
// Dispatch: threads1d(count columns).
#import thread
#import storage

struct Params { count: u32, columns: u32, spacing: f32, inverseWidth: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let edge = at / params.columns;
  if (edge >= params.count) {
    return;
  }
  let column = f32(at - edge * params.columns);
  let distance = edges[edge].w;
#ifdef VEC4
  let k = 4.0 * column + vec4<f32>(0.0, 1.0, 2.0, 3.0);
#else
  let k = column;
#endif
  let offset = (distance - params.spacing * k) * params.inverseWidth;
  y[at] = Stored(select(Real(), exp(-0.5 * offset * offset), distance > 0.0));
}
