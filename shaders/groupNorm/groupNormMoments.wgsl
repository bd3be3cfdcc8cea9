// Group norm, first pass: (mean, M2) of each channel over runs of voxels.
//
// x         [N, V, columns]
// partials  [N, runs, 2, columns]: mean, then M2
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. F16: x is stored in half precision.
// Dispatch: threads1d(N * runs * columns), runs = ceil(V / runLength).
#import thread
#import storage
#import groupNormParams
#import runMoments

@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partials: array<Real>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let run = run_of_thread(linear_thread(wid, num, lane));
  if (run.sample >= params.samples) {
    return;
  }
  let moments = run_moments(run.start, params.columns, run.count);
  let out = run.index * 2u * params.columns + run.column;
  partials[out] = moments.mean;
  partials[out + params.columns] = moments.m2;
}
