// Group norm backward, last reduction. The first N * groups threads make the two means that the input's gradient needs,
// the next C threads add to the parameters' gradients:
//
//   means[n, g] = (mean of gamma * u, mean of gamma * u * n) over the voxels and channels of the group
//   gradGamma[c] += sum of u * n,  gradBeta[c] += sum of u,  over samples and voxels.
// partials             [N, streams, 2, C]: sum of u, then sum of u * n
// gamma                [C]
// means                [N, groups] pairs
// gradGamma, gradBeta  [C], added to
// Dispatch: threads1d((N * groups + C)).
#import thread

struct Params {
  samples: u32,
  voxels: u32,
  channels: u32,
  groups: u32,
  streams: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> gradGamma: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradBeta: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  let channels = params.channels;
  let groups_total = params.samples * params.groups;
  if (thread < groups_total) {
    let sample = thread / params.groups;
    let width = channels / params.groups;
    let first = (thread - sample * params.groups) * width;
    var sums = vec2<f32>(0.0);
    for (var c = first; c < first + width; c++) {
      var channel_sums = vec2<f32>(0.0);
      for (var stream = 0u; stream < params.streams; stream++) {
        let at = (sample * params.streams + stream) * 2u * channels + c;
        channel_sums += vec2<f32>(partials[at], partials[at + channels]);
      }
      sums += channel_sums * gamma[c];
    }
    means[thread] = sums / (f32(width) * f32(params.voxels));
  } else if (thread < groups_total + channels) {
    let c = thread - groups_total;
    var sums = vec2<f32>(0.0);
    for (var row = 0u; row < params.samples * params.streams; row++) {
      let at = row * 2u * channels + c;
      sums += vec2<f32>(partials[at], partials[at + channels]);
    }
    gradBeta[c] += sums.x;
    gradGamma[c] += sums.y;
  }
}
