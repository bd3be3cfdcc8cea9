// Group norm backward, gradient of the input:
//
//   gradX = rstd * (gamma * u - a - n * b) [+ addend],   n and u as in groupNormGradSums.wgsl,
// (a, b) the means of gamma * u and of gamma * u * n over the sample's group.
// x, gradY, gradX, addend  [N, V, columns]
// gamma, beta              [columns]
// stats                    [N, groups] of (mean, 1 / standard deviation)
// means                    [N, groups] of (a, b)
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: the forward pass applied SiLU.
// ADDEND: a tensor is added, such as the gradient that arrives along a residual connection.
// F16: x, gradY, gradX and addend are stored in half precision.
// Dispatch: threads1d(N * runs * columns), runs = ceil(V / runLength).
#import thread
#import storage
#import groupNormParams
#import groupNormGradWrite

@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> means: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> gamma: array<Real>;
@group(0) @binding(6) var<storage, read_write> gradX: array<Stored>;
#ifdef SILU
@group(0) @binding(7) var<storage, read> beta: array<Real>;
#endif
#ifdef ADDEND
@group(0) @binding(8) var<storage, read> addend: array<Stored>;
#endif

fn group_mean(sample: u32, group: u32) -> vec2<f32> {
  return means[sample * params.groups + group];
}

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
  write_gradient(run, stats_of(run.sample, run.column), affine_of(run.column), gamma[run.column]);
}
