// Means over the first entries of padded segments:
//
//   y[g] = sum over s < counts[g] of x[g, s] / (counts[g] + eps)      (the sum itself with SUM)
//
// Bindings: x [segments, slots, columns], counts [segments], y [segments, columns]; columns in Reals. One thread an
// element of y.
// Constants: SUM; VEC4: the columns are a multiple of 4; F16: x and y are stored in half precision.
// Dispatch: threads1d(segments columns).
#import thread
#import storage

struct Params { segments: u32, slots: u32, columns: u32, eps: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let segment = at / params.columns;
  if (segment >= params.segments) {
    return;
  }
  let first = segment * params.slots * params.columns + at - segment * params.columns;
  let count = min(counts[segment], params.slots);
  var sum = Real();
  for (var s = 0u; s < count; s++) {
    sum += Real(x[first + s * params.columns]);
  }
#ifndef SUM
  // An empty segment has the mean 0.
  sum /= max(f32(count) + params.eps, 1e-5);
#endif
  y[at] = Stored(sum);
}
