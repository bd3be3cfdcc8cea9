// Dropout: y = x / (1 - rate) where a random word is at or above the threshold, else 0.
//
//   words of elements 4 i .. 4 i + 3 of sample n:
//     philox4x32(counter (i, stream, step, step.sample + n), key (seedLo, seedHi))
// The mask depends on the sample, the element in it, stream, step and seed only: the same dispatch on gradY is the
// gradient, and a batch cut into micro-batches drops the same elements.
// x, y  [samples, perSample]
// VEC4: perSample is a multiple of 4. F16: x and y are stored in half precision.
// EACH: quads of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(samples * quads / EACH)).
#import thread
#import storage
#import step
#import philox

struct Params {
  samples: u32,
  perSample: u32, // in elements
  quads: u32,      // ceil(perSample / 4)
  stream: u32,
  threshold: u32,  // rate * 2^32
  scale: f32,      // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<Stored>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  let end = min(first + WORKGROUP * EACH, params.samples * params.quads);
  for (var at = first; at < end; at += WORKGROUP) {
    let n = at / params.quads;
    let quad = at % params.quads;
    let counter = vec4<u32>(quad, params.stream, step.step, step.sample + n);
    let words = philox4x32(counter, vec2<u32>(step.seedLo, step.seedHi));
    let factor = select(vec4<f32>(0.0), vec4<f32>(params.scale), words >= vec4<u32>(params.threshold));
#ifdef VEC4
    y[at] = Stored(Real(x[at]) * factor);
#else
    let start = n * params.perSample + quad * 4u;
#for i in 0..4
    if (quad * 4u + ${i}u < params.perSample) {
      y[start + ${i}u] = Stored(Real(x[start + ${i}u]) * factor[${i}]);
    }
#endfor
#endif
  }
}
