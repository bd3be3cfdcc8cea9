// Group norm backward of small grids in one dispatch: what groupNormGradSums, groupNormGradParams and
// groupNormGradInput do in three,
//
//   gradX = rstd * (gamma * u - a - n * b) [+ addend],  n = (x - mean) * rstd,  z = gamma * n + beta,
//   u = gradY (without SiLU) or gradY * silu'(z) (with it),
// (a, b) the means of gamma * u and of gamma * u * n over the sample's group. A workgroup has a sample, as in
// groupNormWhole.wgsl. What a sample adds to gradBeta and gradGamma is left for sumPartials.wgsl.
// x, gradY, gradX, addend  [N, V, columns]
// gamma, beta                [columns]
// stats                      [N, groups] of (mean, 1 / standard deviation)
// sums                       [N, 2, columns]: sum of u, then of u * n
// WORKGROUP: at least streams * columns and groups. VEC4: C is a multiple of 4 and columns = C / 4; else columns = C.
// SILU: the forward pass applied SiLU. ADDEND: a tensor is added, such as the gradient that arrives along a residual
// connection. F16: x, gradY, gradX and addend are stored in half precision.
// Dispatch: workgroups1d(N).
#import grid
#import storage
#import groupNormTerms
#import unit

struct Params {
  samples: u32,
  voxels: u32,
  columns: u32,
  streams: u32,
  run: u32,
  groups: u32,
  groupWidth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
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

#ifdef VEC4
#for i in 0..4
  let group_${i} = (column * 4u + ${i}u) / params.groupWidth;
  let s_${i} = stats[sample * params.groups + group_${i}];
#endfor
  let mean = vec4<f32>(s_0.x, s_1.x, s_2.x, s_3.x);
  let rstd = vec4<f32>(s_0.y, s_1.y, s_2.y, s_3.y);
#else
  let group = column / params.groupWidth;
  let s = stats[sample * params.groups + group];
  let mean = s.x;
  let rstd = s.y;
#endif
  let factor = gamma[column];
#ifdef SILU
  let shift = beta[column];
#else
  const shift = Real(0.0);
#endif

  var sum_u = Real(0.0);
  var sum_un = Real(0.0);
  for (var i = 0u; i < count; i++) {
    let at = start + i * columns;
    let n = normalised(at, mean, rstd);
    let u = inner_gradient(at, n, factor, shift);
    sum_u += u;
    sum_un += u * n;
  }
  sums_u[thread] = sum_u;
  sums_un[thread] = sum_un;
  workgroupBarrier();

  if (thread < columns) {
    for (var s = 1u; s < params.streams; s++) {
      sum_u += sums_u[s * columns + thread];
      sum_un += sums_un[s * columns + thread];
    }
    sums[2u * sample * columns + thread] = sum_u;
    sums[(2u * sample + 1u) * columns + thread] = sum_un;
    // Only this thread reads the first run of its column.
    sums_u[thread] = factor * sum_u;
    sums_un[thread] = factor * sum_un;
  }
  workgroupBarrier();

  if (thread < params.groups) {
    let end = (thread + 1u) * params.groupWidth;
    var total = vec2<f32>(0.0);
    for (var c = thread * params.groupWidth; c < end; c++) {
      total += vec2<f32>(channel_of(sums_u[c / UNIT], c), channel_of(sums_un[c / UNIT], c));
    }
    group_means[thread] = total / f32(params.voxels * params.groupWidth);
  }
  workgroupBarrier();

  if (count == 0u) {
    return;
  }
#ifdef VEC4
#for i in 0..4
  let m_${i} = group_means[group_${i}];
#endfor
  let a = rstd * vec4<f32>(m_0.x, m_1.x, m_2.x, m_3.x);
  let b = rstd * vec4<f32>(m_0.y, m_1.y, m_2.y, m_3.y);
#else
  let a = rstd * group_means[group].x;
  let b = rstd * group_means[group].y;
#endif
  let slope = rstd * factor;
  for (var i = 0u; i < count; i++) {
    let at = start + i * columns;
    let n = normalised(at, mean, rstd);
    let u = inner_gradient(at, n, factor, shift);
    var g = slope * u - a - n * b;
#ifdef ADDEND
    g += Real(addend[at]);
#endif
    gradX[at] = Stored(g);
  }
}
