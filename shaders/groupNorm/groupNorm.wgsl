// Group norm, the normalising pass, optionally followed by SiLU:
//
//   y = gamma * (x - mean) * rstd + beta,  or SiLU of that,  (mean, rstd) those of the sample and the channel's group.
// A thread takes one column (one channel, or four with VEC4) over a run of voxels, with the four coefficients in
// registers.
// x, y         [N, V, columns]
// gamma, beta  [columns]
// stats        [N, groups] of (mean, 1 / standard deviation)
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: SiLU is applied.
// F16: x and y are stored in half precision.
// Dispatch: threads1d(N * runs * columns), runs = ceil(V / runLength).
#import thread
#import storage
#import groupNormParams
#import groupNormStats
#import groupNormApply

@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gamma: array<Real>;
@group(0) @binding(3) var<storage, read> beta: array<Real>;
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<Stored>;

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
  let own = stats_of(run.sample, run.column);
  apply_to_run(run, own.mean, gamma[run.column] * own.rstd, beta[run.column]);
}
