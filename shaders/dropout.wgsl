// Dropout: y = x / (1 - rate) where a random word is at or above the threshold, else 0.
//
//   words of elements 4 i .. 4 i + 3: philox4x32(counter (i, stream, step, 0), key (seed_lo, seed_hi))
// The mask depends on element index, stream, step and seed only, so the same dispatch on gradY is the gradient.
// x, y  [count] floats
// VEC4: count is a multiple of 4.
// Dispatch: ceil(count / (4 * 64 * 2)) workgroups; a thread takes 2 quads, 64 apart.
#import grid
#import real
#import step
#import philox

struct Params {
  count: u32,      // in floats
  stream: u32,
  threshold: u32,  // rate * 2^32
  scale: f32,      // 1 / (1 - rate)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<Real>;
@group(0) @binding(3) var<storage, read_write> y: array<Real>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * 128u + lane;
  let quads = (params.count + 3u) / 4u;
  for (var quad = first; quad < min(first + 128u, quads); quad += 64u) {
    let words = philox4x32(vec4<u32>(quad, params.stream, step.step, 0u), vec2<u32>(step.seed_lo, step.seed_hi));
    let factor = select(vec4<f32>(0.0), vec4<f32>(params.scale), words >= vec4<u32>(params.threshold));
#ifdef VEC4
    y[quad] = x[quad] * factor;
#else
#for i in 0..4
    if (quad * 4u + ${i}u < params.count) {
      y[quad * 4u + ${i}u] = x[quad * 4u + ${i}u] * factor[${i}];
    }
#endfor
#endif
  }
}
