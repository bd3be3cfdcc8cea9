// Group norm backward of small grids in one dispatch: what groupNormGradSums, groupNormGradParams and
// groupNormGradInput do in three,
//
//   gradX = rstd * (gamma * u - a - n * b) [+ addend],  n = (x - mean) * rstd,  z = gamma * n + beta,
//   u = gradY (without SiLU) or gradY * silu'(z) (with it),
// (a, b) the means of gamma * u and of gamma * u * n over the sample's group. A workgroup has a sample, as in
// groupNormWhole.wgsl. What a sample adds to gradBeta and gradGamma is left for sumPartials.wgsl.
// x, gradY, gradX, addend  [N, V, columns]
// gamma, beta              [columns]
// stats                    [N, groups] of (mean, 1 / standard deviation)
// sums                     [N, 2, columns]: sum of u, then of u * n
// WORKGROUP: at least runs * columns and groups. VEC4: C is a multiple of 4 and columns = C / 4; else columns = C.
// SILU: the forward pass applied SiLU. ADDEND: a tensor is added, such as the gradient that arrives along a residual
// connection. F16: x, gradY, gradX and addend are stored in half precision.
// Dispatch: workgroups1d(N).
#import grid
#import storage
#import groupNormParams
#import groupNormGradWrite

@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> gamma: array<Real>;
@group(0) @binding(5) var<storage, read_write> sums: array<Real>;
@group(0) @binding(6) var<storage, read_write> gradX: array<Stored>;
#ifdef SILU
@group(0) @binding(7) var<storage, read> beta: array<Real>;
#endif
#ifdef ADDEND
@group(0) @binding(8) var<storage, read> addend: array<Stored>;
#endif

// Of runs, then of whole columns times gamma.
var<workgroup> sums_u: array<Real, WORKGROUP>;
var<workgroup> sums_un: array<Real, WORKGROUP>;
var<workgroup> group_means: array<vec2<f32>, WORKGROUP>;

fn group_mean(sample: u32, group: u32) -> vec2<f32> {
  return group_means[group];
}

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
  let run = run_of_sample(sample, thread / columns, thread % columns);
  let own = stats_of(sample, run.column);
  let affine = affine_of(run.column);
  let factor = gamma[run.column];
  var total = gradient_sums(run, own, affine);
  sums_u[thread] = total.u;
  sums_un[thread] = total.un;
  workgroupBarrier();

  if (thread < columns) {
    for (var s = 1u; s < params.runs; s++) {
      total.u += sums_u[s * columns + thread];
      total.un += sums_un[s * columns + thread];
    }
    sums[2u * sample * columns + thread] = total.u;
    sums[(2u * sample + 1u) * columns + thread] = total.un;
    // Only this thread reads the first run of its column.
    sums_u[thread] = factor * total.u;
    sums_un[thread] = factor * total.un;
  }
  workgroupBarrier();

  if (thread < params.groups) {
    let end = (thread + 1u) * params.groupWidth;
    var mean = vec2<f32>(0.0);
    for (var c = thread * params.groupWidth; c < end; c++) {
      mean += vec2<f32>(channel_of(sums_u[c / UNIT], c), channel_of(sums_un[c / UNIT], c));
    }
    group_means[thread] = mean / f32(params.voxels * params.groupWidth);
  }
  workgroupBarrier();

  if (run.count > 0u) {
    write_gradient(run, own, affine, factor);
  }
}
