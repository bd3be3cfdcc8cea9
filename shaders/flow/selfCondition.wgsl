// The self-condition of a step: endpoints of a pass before, if a coin says so, one for all samples of the step.
//
//   coin:  present = 1, previous = endpoints
//   else:  present = 0, previous = 0, whatever the endpoints hold
//
// The coin is u < probability, u the uniform number of counter (0, stream, step.step, 0).
//
// Bindings: step (uniform); endpoints, previous [count] f32; present f32 [1]; previous and present are written.
// Dispatch: threads1d(count).
#import thread
#import step
#import random

struct Params { count: u32, stream: u32, probability: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> endpoints: array<f32>;
@group(0) @binding(3) var<storage, read_write> previous: array<f32>;
@group(0) @binding(4) var<storage, read_write> present: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  if (at >= params.count) {
    return;
  }
  let bits = philox4x32(vec4<u32>(0u, params.stream, step.step, 0u), vec2<u32>(step.seedLo, step.seedHi));
  let is_present = uniform_from_bits(bits.x) < params.probability;
  if (at == 0u) {
    present[0] = select(0.0, 1.0, is_present);
  }
  var value = 0.0;
  if (is_present) {
    value = endpoints[at];
  }
  previous[at] = value;
}
