// Counter-based noise.
//   ADD:      y = x + scale * n,   n ~ N(0, 1)
//   UNIFORM:  y = offset + scale * u,   u ~ U(0, 1)
//   neither:  y = offset + scale * n
// Bindings: step (uniform), x [N, ...] (ADD only), y [N, ...]; both flat, perSample elements a sample.
// One thread makes the four numbers of one Philox call: elements 4q to 4q + 3 of sample n, with
//   counter = (q, stream, step.step, step.sample + n), key = (seedLo, seedHi).
// Dispatch: threads1d(samples * quads); quads = ceil(perSample / 4).
// VEC4: perSample is a multiple of four, x and y are vec4.
// Constants: ADD, UNIFORM (at most one), VEC4. The host ensures samples * quads < 2^32.
#import thread
#import step
#import random
#import real

struct Params {
  perSample: u32,
  quads: u32,
  samples: u32,
  stream: u32,
  scale: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read_write> y: array<Real>;
#ifdef ADD
@group(0) @binding(3) var<storage, read> x: array<Real>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let n = index / params.quads;
  if (n >= params.samples) {
    return;
  }
  let q = index - n * params.quads;
  let counter = vec4<u32>(q, params.stream, step.step, step.sample + n);
  let bits = philox4x32(counter, vec2<u32>(step.seedLo, step.seedHi));
#ifdef UNIFORM
  let value = params.offset + params.scale * uniforms_from_bits(bits);
#else
  let value = params.offset + params.scale * normals_from_bits(bits);
#endif
#ifdef VEC4
#ifdef ADD
  y[index] = x[index] + value;
#else
  y[index] = value;
#endif
#else
  let at = n * params.perSample + q * 4u;
  let left = params.perSample - q * 4u;
#for k in 0..4
  if (${k}u < left) {
#ifdef ADD
    y[at + ${k}u] = x[at + ${k}u] + value[${k}];
#else
    y[at + ${k}u] = value[${k}];
#endif
  }
#endfor
#endif
}
