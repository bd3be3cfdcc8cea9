// Attention forward: the softmax over keys, one tile of keys after the other (online softmax, Milakov and Gimelshein
// 2018, arXiv 1805.02867). A thread takes one query: scores s become exp(s - m) with m the maximum so far, and
//
//   l = l * exp(m_before - m) + sum of exp(s - m).
// A score of LOWEST is one of a key that is not there. N: samples times heads.
//
// scores   [N, keys, T], transposed so that neighbouring threads read neighbouring words; read and overwritten
// state    [N, T] of (m, l): read unless `first`, written
// factors  [N, T]: what the weighted sum of values so far is multiplied with (0 where `first`) before this tile's term
//          is added, and what the result is multiplied with: 1 / l for the last tile (0 without any key), else 1
// logSumExp  [N, T]: m + log(l), 0 without any key; written for the last tile
// Dispatch: x, y: threads1d(T); z: N.
#import nan
#import thread

struct Params {
  tokens: u32,
  keys: u32,
  keyStride: u32,  // keys of the scores tensor, of which the last tile may use fewer
  first: u32,
  last: u32,
}

const LOWEST = -3.4e38;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> factors: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> logSumExp: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = linear_thread(wid, num, lane);
  let tokens = params.tokens;
  if (query >= tokens) {
    return;
  }
  let token = wid.z * tokens + query;
  let start = wid.z * params.keyStride * tokens + query;
  let end = start + params.keys * tokens;

  var before = vec2<f32>(0.0);
  var top = scores[start];
  if (params.first == 0u) {
    before = state[token];
    top = max(top, before.x);
  }
  for (var at = start; at < end; at += tokens) {
    top = max(top, scores[at]);
  }
  var sum = 0.0;
  for (var at = start; at < end; at += tokens) {
    let score = scores[at];
    let weight = select(exp_or_nan(score - top), 0.0, score == LOWEST);
    scores[at] = weight;
    sum += weight;
  }
  var decay = 0.0;
  if (params.first == 0u) {
    decay = exp_or_nan(before.x - top);
    sum += before.y * decay;
  }
  state[token] = vec2<f32>(top, sum);
  if (params.last != 0u) {
    factors[token] = vec2<f32>(decay, select(1.0 / sum, 0.0, sum == 0.0));
    logSumExp[token] = select(top + log_or_nan(sum), 0.0, sum == 0.0);
  } else {
    factors[token] = vec2<f32>(decay, 1.0);
  }
}
