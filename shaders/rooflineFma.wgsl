// The most multiply-adds that fit into a second: nothing but fused multiply-adds on values that stay in registers.
// Each thread has 8 independent chains, enough to hide the latency of the unit, and takes each of them
// 16 * rounds times through
//   a = fma(a, multiplier, addend)
// Chain i of thread t begins at i + t mod WORKGROUP. With multiplier 1 and addend 1, which only the buffer knows, a chain ends
// at its begin plus the number of its steps: the result counts the work that was done. As every thread writes the
// sum of its chains, no step can be left out.
//
// factors  f32[2]: multiplier, addend
// sums     f32[threads], written
// Constants: none. params: rounds, at least 1. Dispatch: threads1d(threads), folded into two dimensions only
// where the rows come out even: threads without work would be counted.
#import thread

struct Params {
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let m = factors[0];
  let b = factors[1];
  let begin = f32(lane);
  var a0 = begin;
  var a1 = begin + 1.0;
  var a2 = begin + 2.0;
  var a3 = begin + 3.0;
  var a4 = begin + 4.0;
  var a5 = begin + 5.0;
  var a6 = begin + 6.0;
  var a7 = begin + 7.0;
  for (var round = 0u; round < params.rounds; round++) {
    #for step in 0..16
    a0 = fma(a0, m, b);
    a1 = fma(a1, m, b);
    a2 = fma(a2, m, b);
    a3 = fma(a3, m, b);
    a4 = fma(a4, m, b);
    a5 = fma(a5, m, b);
    a6 = fma(a6, m, b);
    a7 = fma(a7, m, b);
    #endfor
  }
  sums[linear_thread(wid, num, lane)] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
}
