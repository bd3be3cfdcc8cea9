// Random times of flow matching: with probability `uniformShare` uniform in (0, 1), else from Beta(alpha, 1), which has
// the distribution function t^alpha, by its inverse: u^(1/alpha) with u uniform.
//
// Bindings: step (uniform); times f32 [chains], written. The numbers are those of counter (0, stream, step.step,
// step.sample + b). One thread a time. Dispatch: threads1d(chains).
#import thread
#import streamBits
#import random

struct Params { chains: u32, stream: u32, uniformShare: f32, exponent: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read_write> times: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = linear_thread(wid, num, lane);
  if (b >= params.chains) {
    return;
  }
  let uniforms = uniforms_from_bits(stream_bits(0u, params.stream, b));
  // An exponential may round to above 1.
  let power = min(exp(params.exponent * natural_log(uniforms.y)), 1.0);
  times[b] = select(power, uniforms.y, uniforms.x < params.uniformShare);
}
