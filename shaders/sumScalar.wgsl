// Sums of up to RUN successive numbers, in order; with FINAL the one sum left is scaled and added to a scalar.
//
// partials  [count]
// sums      [ceil(count / RUN)], or [1] with FINAL: sums[0] += scale * sum
// Dispatch: threads1d(ceil(count / RUN)); a thread makes one sum.
#import thread

struct Params {
  count: u32,
#ifdef FINAL
  scale: f32,
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  let first = thread * RUN;
  if (first >= params.count) {
    return;
  }
  var sum = 0.0;
  for (var i = first; i < min(first + RUN, params.count); i++) {
    sum += partials[i];
  }
#ifdef FINAL
  sums[thread] += params.scale * sum;
#else
  sums[thread] = sum;
#endif
}
