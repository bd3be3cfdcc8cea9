// Later passes of the per-sample sums: out[n, p, q] = sum over t = p, p + parts, p + 2 parts, ... of partial[n, t, q],
// in this order. ACCUMULATE adds to what out holds.
// Bindings: partial [samples, threads, quantities]; out [samples, parts, quantities]. One thread an output.
// Constants: ACCUMULATE. Dispatch: threads1d(samples * parts * quantities).
#import thread

struct Params {
  outputs: u32,
  quantities: u32,
  threads: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  if (index >= params.outputs) {
    return;
  }
  let row = index / params.quantities;
  let q = index - row * params.quantities;
  let n = row / params.parts;
  var sum = 0.0f;
  for (var t = row - n * params.parts; t < params.threads; t += params.parts) {
    sum += partial[(n * params.threads + t) * params.quantities + q];
  }
#ifdef ACCUMULATE
  out[index] += sum;
#else
  out[index] = sum;
#endif
}
