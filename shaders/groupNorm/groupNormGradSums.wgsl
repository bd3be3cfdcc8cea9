// Group norm backward, first pass: sums of u and u * n of each channel over runs of voxels, where
//
//   n = (x - mean) * rstd,  z = gamma * n + beta,  u = gradY (without SiLU) or gradY * silu'(z) (with it).
// x, gradY     [N, V, columns]
// gamma, beta  [columns]
// stats        [N, groups] of (mean, 1 / standard deviation)
// partials     [N, runs, 2, columns]: sum of u, then sum of u * n
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: the forward pass applied SiLU.
// F16: x and gradY are stored in half precision.
// Dispatch: threads1d(N * runs * columns), runs = ceil(V / runLength).
#import thread
#import storage
#import groupNormParams
#import groupNormTerms

@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> partials: array<Real>;
#ifdef SILU
@group(0) @binding(5) var<storage, read> gamma: array<Real>;
@group(0) @binding(6) var<storage, read> beta: array<Real>;
#endif

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
  let sums = gradient_sums(run, stats_of(run.sample, run.column), affine_of(run.column));
  let out = run.index * 2u * params.columns + run.column;
  partials[out] = sums.u;
  partials[out + params.columns] = sums.un;
}
