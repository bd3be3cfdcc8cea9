// Second pass of the per-sample sums: out[n, q] = sum over t of partial[n, t, q], in the order of t.
// ACCUMULATE adds to what out holds.
// Bindings: partial [samples, threads, quantities]; out [samples, quantities]. One thread an output.
// Constants: ACCUMULATE. Workgroups: ceil(samples * quantities / 64), folded.
#import grid

struct Params {
  outputs: u32,
  quantities: u32,
  threads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num) * 64u + lane;
  if (index >= params.outputs) {
    return;
  }
  let n = index / params.quantities;
  let q = index - n * params.quantities;
  var sum = 0.0f;
  for (var t = 0u; t < params.threads; t++) {
    sum += partial[(n * params.threads + t) * params.quantities + q];
  }
#ifdef ACCUMULATE
  out[index] += sum;
#else
  out[index] = sum;
#endif
}
