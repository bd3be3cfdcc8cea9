// Group norm: merges the partial results of up to FAN successive runs of voxels into one, per channel, in order.
//
// MOMENTS: partials are (mean, M2) of `run` voxels each (the last run of a sample is shorter) and are merged;
// otherwise they are pairs of sums and are added.
// partials  [N, streams, 2, columns]
// merged    [N, mergedStreams, 2, columns], mergedStreams = ceil(streams / FAN)
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C.
// Dispatch: threads1d(total), total = N * mergedStreams * columns.
#import thread
#import real
#import moments

struct Params {
  voxels: u32,
  columns: u32,
  streams: u32,
  mergedStreams: u32,
  run: u32,
  total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<Real>;
@group(0) @binding(2) var<storage, read_write> merged: array<Real>;

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
  let columns = params.columns;
  let row = thread / columns;
  let column = thread - row * columns;
  let sample = row / params.mergedStreams;
  let first = (row - sample * params.mergedStreams) * FAN;
  let end = min(first + FAN, params.streams);

  var at = (sample * params.streams + first) * 2u * columns + column;
  let out = row * 2u * columns + column;
#ifdef MOMENTS
  var all = Moments(0.0, Real(0.0), Real(0.0));
  for (var stream = first; stream < end; stream++) {
    let count = f32(min(params.run, params.voxels - stream * params.run));
    all = merge_moments(all, Moments(count, partials[at], partials[at + columns]));
    at += 2u * columns;
  }
  merged[out] = all.mean;
  merged[out + columns] = all.m2;
#else
  var first_sum = Real(0.0);
  var second_sum = Real(0.0);
  for (var stream = first; stream < end; stream++) {
    first_sum += partials[at];
    second_sum += partials[at + columns];
    at += 2u * columns;
  }
  merged[out] = first_sum;
  merged[out + columns] = second_sum;
#endif
}
