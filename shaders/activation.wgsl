// An activation of shared/activated.wgsl, element by element; with GRAD gradX = gradY * (its derivative at x).
//
// x, y                [count]; count in Reals
// x, gradY, gradX   [count], with GRAD
// VEC4: the number of elements is a multiple of 4. F16: all are stored in half precision.
// EACH: elements of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(count / EACH)).
#import thread
#import activated
#import storage

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
#ifdef GRAD
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Stored>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
#ifdef GRAD
    gradX[i] = Stored(Real(gradY[i]) * activated_slope(Real(x[i])));
#else
    y[i] = Stored(activated(Real(x[i])));
#endif
  }
}
