// Attention backward: the sum over a head's columns of gradY * y, which is the sum over keys of probability times its
// gradient (Dao et al. 2022, arXiv 2205.14135, section 3.1). A row is a token's head.
//
// y, gradY  [N, T, heads, columns], rows = N T heads
// dots      [N, heads, T]
// VEC4: the columns are a multiple of 4, and counted in fours. F16: y and gradY are stored in half precision.
// Dispatch: threads1d(rows).
#import thread
#import storage
#import total

struct Params {
  rows: u32,
  columns: u32,
  heads: u32,
  tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<Stored>;
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> dots: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = linear_thread(wid, num, lane);
  if (row >= params.rows) {
    return;
  }
  var sum = Real(0.0);
  let start = row * params.columns;
  for (var at = start; at < start + params.columns; at++) {
    sum += Real(y[at]) * Real(gradY[at]);
  }
  let token = row / params.heads;
  let sample = token / params.tokens;
  dots[(sample * params.heads + row % params.heads) * params.tokens + token % params.tokens] = total(sum);
}
