// First pass of the global gradient norm: every thread sums the squares of its share of one piece,
//   partial[base + t] = sum over k of grad[t + k * threads]^2,
// in the order of k, so that the result is bitwise repeatable. Neighbouring threads read neighbouring elements.
//
// grad     one piece of the gradient, flat; as vec4 when its length is a multiple of four (VEC4)
// partial  f32[all threads of all pieces]
// params   count: elements (vec4 or f32) of the piece; threads: threads with work; base: the piece's place in partial
// Constants: VEC4. Dispatch: threads1d(threads), threads a multiple of WORKGROUP.
// Squares above 3.4e38 overflow to infinity: a gradient element of 1.8e19 counts as not finite.
#import thread
#import total

struct Params {
  count: u32,
  threads: u32,
  base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Real>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  if (thread >= params.threads) {
    return;
  }
  var sum = Real();
  for (var i = thread; i < params.count; i += params.threads) {
    let g = grad[i];
    sum = fma(g, g, sum);
  }
  partial[params.base + thread] = total(sum);
}
