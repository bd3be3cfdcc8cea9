// The sinusoidal embedding of times in [0, 1]: sin(a_k), k = 0 .. half - 1, then cos(a_k), with a_k = 2 pi w_k t; the
// last row, which is of no time, is 0.
//
// Angles reach thousands, and f32 has no digits left for their fractions of a turn. So the phase is a whole number of
// 2^-32 turns, which wraps as turns do: t = (m + rest) / 2^31 with m whole, which is exact, and
// 2 w_k = whole + fraction / 2^32 give m whole + m fraction / 2^32 + rest whole, to two or three units.
//
// Bindings: times f32 [chains]; frequencies [half] of (whole, fraction); features f32 [chains + 1, 2 half], written.
// One thread a row and frequency. Dispatch: threads1d((chains + 1) half).
#import thread
#import random

struct Params { chains: u32, half: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> times: array<f32>;
@group(0) @binding(2) var<storage, read> frequencies: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> features: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let row = at / params.half;
  if (row > params.chains) {
    return;
  }
  let k = at - row * params.half;
  var cos_sin = vec2<f32>();
  if (row < params.chains) {
    let scaled = clamp(times[row], 0.0, 1.0) * 0x1p31f;
    let m = floor(scaled);
    let frequency = frequencies[k];
    let phase = u32(m) * frequency.x + mul_high(u32(m), frequency.y) + u32((scaled - m) * f32(frequency.x));
    cos_sin = unit_circle(phase);
  }
  features[2u * row * params.half + k] = cos_sin.y;
  features[(2u * row + 1u) * params.half + k] = cos_sin.x;
}
