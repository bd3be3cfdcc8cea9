// Group norm of small grids in one dispatch: what groupNormMoments, groupNormStats and groupNorm do in three,
//
//   y = gamma * (x - mean) * rstd + beta,  or SiLU of that,
// mean and variance (divisor: count) over the voxels and channels of a sample's group. A workgroup has a sample: its
// invocations take one column (one channel, or four with VEC4) of a run of voxels each, `streams` runs a column, and
// meet in workgroup memory.
// x, y         [N, V, columns]
// gamma, beta  [columns]
// stats        [N, groups] of (mean, 1 / standard deviation), written
// WORKGROUP: at least streams * columns and groups. VEC4: C is a multiple of 4 and columns = C / 4; else columns = C.
// SILU: SiLU is applied. F16: x and y are stored in half precision.
// Dispatch: workgroups1d(N).
#import grid
#import sigmoid
#import storage
#import runMoments
#import unit

struct Params {
  samples: u32,
  voxels: u32,
  columns: u32,
  streams: u32,
  run: u32,
  groups: u32,
  groupWidth: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gamma: array<Real>;
@group(0) @binding(3) var<storage, read> beta: array<Real>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<Stored>;

var<workgroup> run_means: array<Real, WORKGROUP>;
var<workgroup> run_m2s: array<Real, WORKGROUP>;
var<workgroup> group_stats: array<vec2<f32>, WORKGROUP>;

#ifdef VEC4
// The mean (0) or the reciprocal deviation (1) of each channel's group.
fn group_value(column: u32, part: u32) -> vec4<f32> {
  let groups = (vec4<u32>(0u, 1u, 2u, 3u) + column * 4u) / params.groupWidth;
  return vec4<f32>(
#for i in 0..4
    group_stats[groups[${i}]][part],
#endfor
  );
}
#else
fn group_value(column: u32, part: u32) -> f32 {
  return group_stats[column / params.groupWidth][part];
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let sample = linear_workgroup(wid, num);
  if (sample >= params.samples) {
    return;
  }
  let columns = params.columns;
  let stream = thread / columns;
  let column = thread - stream * columns;
  // Threads beyond the last run have nothing of it.
  let first = min(stream, params.streams) * params.run;
  let count = min(params.run, max(params.voxels, first) - first);
  let start = (sample * params.voxels + first) * columns + column;
  let moments = run_moments(start, columns, count);
  run_means[thread] = moments.mean;
  run_m2s[thread] = moments.m2;
  workgroupBarrier();

  if (thread < params.groups) {
    // The mean from the first run's on, and M2 around it, so that little is lost where all values are far from zero.
    let begin = thread * params.groupWidth;
    let end = begin + params.groupWidth;
    let total = f32(params.voxels * params.groupWidth);
    let origin = channel_of(run_means[begin / UNIT], begin);
    var mean = origin;
    for (var s = 0u; s < params.streams; s++) {
      let share = f32(min(params.run, params.voxels - s * params.run)) / total;
      for (var c = begin; c < end; c++) {
        mean += share * (channel_of(run_means[s * columns + c / UNIT], c) - origin);
      }
    }
    var m2 = 0.0;
    for (var s = 0u; s < params.streams; s++) {
      let voxels = f32(min(params.run, params.voxels - s * params.run));
      for (var c = begin; c < end; c++) {
        let deviation = channel_of(run_means[s * columns + c / UNIT], c) - mean;
        m2 += channel_of(run_m2s[s * columns + c / UNIT], c) + voxels * deviation * deviation;
      }
    }
    let result = vec2<f32>(mean, 1.0 / sqrt(m2 / total + params.eps));
    group_stats[thread] = result;
    stats[sample * params.groups + thread] = result;
  }
  workgroupBarrier();

  if (count == 0u) {
    return;
  }
  let factor = gamma[column] * group_value(column, 1u);
  let shift = beta[column];
  let mean = group_value(column, 0u);
  for (var i = 0u; i < count; i++) {
    let at = start + i * columns;
    let z = (Real(x[at]) - mean) * factor + shift;
#ifdef SILU
    y[at] = Stored(silu(z));
#else
    y[at] = Stored(z);
#endif
  }
}
