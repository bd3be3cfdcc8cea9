// What shaders/shared/philox.wgsl and random.wgsl compute, laid open for the test. One thread an input.
#import random

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counters: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> keys: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> bits: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> circle: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> logs: array<f32>;
@group(0) @binding(6) var<storage, read_write> uniforms: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= params.count) {
    return;
  }
  bits[i] = philox4x32(counters[i], keys[i]);
  circle[i] = unit_circle(counters[i].x);
  uniforms[i] = uniform_from_bits(counters[i].x);
  logs[i] = natural_log(uniforms[i]);
}
