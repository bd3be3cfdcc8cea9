// A random window of consecutive residues of each chosen chain, all possible ones equally likely:
//
//   n = residues of chain chosen[b],   length = min(n, places),   start = floor(u (n - length + 1))
//
// with u the uniform number in (0, 1) of counter (0, stream, step.step, step.sample + b). The product is that of whole
// numbers, which is exact.
//
// Bindings: step (uniform); offsets [chains + 1]: chain c owns rows offsets[c] to offsets[c + 1] - 1; chosen [count];
// windows [count] of (the first residue's row, length), written. One thread a window. Dispatch: threads1d(count).
#import thread
#import streamBits

struct Params { count: u32, places: u32, stream: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> chosen: array<u32>;
@group(0) @binding(4) var<storage, read_write> windows: array<vec2<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let b = linear_thread(wid, num, lane);
  if (b >= params.count) {
    return;
  }
  let first = offsets[chosen[b]];
  let residues = offsets[chosen[b] + 1u] - first;
  let length = min(residues, params.places);
  // 2^32 u, as uniform_from_bits of random.wgsl makes u.
  let u = (stream_bits(0u, params.stream, b).x | 0x100u) & 0xffffff00u;
  windows[b] = vec2<u32>(first + mul_high(u, residues - length + 1u), length);
}
