// Group norm, last reduction: mean and 1 / sqrt(variance + eps) of each group, the variance with divisor (count).
//
// Each thread merges the partial moments of all runs and channels of one group of one sample, in order.
// partials  [N, streams, 2, C]: mean and M2 of `run` voxels each, the last run of a sample shorter
// stats     [N, groups] of (mean, 1 / standard deviation)
// Dispatch: threads1d(total), total = N * groups.
#import thread
#import moments

struct Params {
  voxels: u32,
  channels: u32,
  groups: u32,
  streams: u32,
  run: u32,
  total: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  if (thread >= params.total) {
    return;
  }
  let sample = thread / params.groups;
  let width = params.channels / params.groups;
  let first_channel = (thread - sample * params.groups) * width;

  var all = Moments(0.0, 0.0, 0.0);
  for (var stream = 0u; stream < params.streams; stream++) {
    let count = f32(min(params.run, params.voxels - stream * params.run));
    let at = (sample * params.streams + stream) * 2u * params.channels + first_channel;
    for (var c = 0u; c < width; c++) {
      all = merge_moments(all, Moments(count, partials[at + c], partials[at + params.channels + c]));
    }
  }
  stats[thread] = vec2<f32>(all.mean, 1.0 / sqrt(all.m2 / all.count + params.eps));
}
