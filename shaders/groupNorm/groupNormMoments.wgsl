// Group norm, first pass: (mean, M2) of each channel over runs of voxels.
//
//   A sample of V voxels is cut into `streams` runs of `run` voxels, the last one shorter. Each thread takes one column
//   (one channel, or four with VEC4) of one run.
// x         [N, V, columns]
// partials  [N, streams, 2, columns]: mean, then M2
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. F16: x is stored in half precision.
// Dispatch: threads1d(total), total = N * streams * columns.
#import thread
#import storage
#import runMoments

struct Params {
  voxels: u32,
  columns: u32,
  streams: u32,
  run: u32,
  total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partials: array<Real>;

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
  let sample = row / params.streams;
  let first = (row - sample * params.streams) * params.run;
  let count = min(params.run, params.voxels - first);
  let all = run_moments((sample * params.voxels + first) * columns + column, columns, count);
  let out = row * 2u * columns + column;
  partials[out] = all.mean;
  partials[out + columns] = all.m2;
}
