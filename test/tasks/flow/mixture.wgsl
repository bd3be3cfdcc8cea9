// Where paths through x end on average, x1 from a mixture of two Gaussians of centred chains: component k has mean
// means[k] and variance s_k^2 in each of the 3 (n - 1) directions of centred chains. One thread a token.
//   parts [2, 2]: log of the share, s_k^2
#import thread

struct Params { chains: u32, side: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<f32>;
@group(0) @binding(4) var<storage, read> times: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = linear_thread(wid, num, lane);
  if (token >= params.chains * params.side) {
    return;
  }
  let chain = token / params.side;
  let t = times[chain];
  let size = 3u * params.side;
  var logs = array<f32, 2>();
  var variances = array<f32, 2>();
  for (var k = 0u; k < 2u; k++) {
    variances[k] = t * t * parts[2u * k + 1u] + (1.0 - t) * (1.0 - t);
    var squares = 0.0;
    for (var i = 0u; i < size; i++) {
      let off = x[chain * size + i] - t * means[k * size + i];
      squares += off * off;
    }
    let directions = f32(size - 3u);
    logs[k] = parts[2u * k] - 0.5 * (directions * log(variances[k]) + squares / variances[k]);
  }
  let second = 1.0 / (1.0 + exp(clamp(logs[0] - logs[1], -80.0, 80.0)));
  let shares = array<f32, 2>(1.0 - second, second);
  for (var a = 0u; a < 3u; a++) {
    let at = 3u * token + a;
    var sum = 0.0;
    for (var k = 0u; k < 2u; k++) {
      let mean = means[k * size + at - chain * size];
      sum += shares[k] * (mean + t * parts[2u * k + 1u] / variances[k] * (x[at] - t * mean));
    }
    y[at] = sum;
  }
}
