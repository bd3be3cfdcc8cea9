// Group norm backward, gradient of the input:
//
//   gradX = rstd * (gamma * u - a - n * b) [+ addend],   n and u as in groupNormGradSums.wgsl,
// (a, b) the means of gamma * u and of gamma * u * n over the sample's group.
// x, gradY, gradX, addend  [N, V, columns]
// gamma, beta                [columns]
// stats                      [N, groups] of (mean, 1 / standard deviation)
// means                      [N, groups] of (a, b)
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: the forward pass applied SiLU.
// ADDEND: a tensor is added, such as the gradient that arrives along a residual connection.
// F16: x, gradY, gradX and addend are stored in half precision.
// Dispatch: threads1d(total), total = N * streams * columns, streams = ceil(V / run).
#import thread
#import storage
#import groupNormTerms

struct Params {
  voxels: u32,
  columns: u32,
  streams: u32,
  run: u32,
  total: u32,
  groups: u32,
  groupWidth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
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

#ifdef VEC4
#for i in 0..4
  let group_${i} = sample * params.groups + (column * 4u + ${i}u) / params.groupWidth;
  let s_${i} = stats[group_${i}];
  let m_${i} = means[group_${i}];
#endfor
  let mean = vec4<f32>(s_0.x, s_1.x, s_2.x, s_3.x);
  let rstd = vec4<f32>(s_0.y, s_1.y, s_2.y, s_3.y);
  let a = rstd * vec4<f32>(m_0.x, m_1.x, m_2.x, m_3.x);
  let b = rstd * vec4<f32>(m_0.y, m_1.y, m_2.y, m_3.y);
#else
  let group = sample * params.groups + column / params.groupWidth;
  let mean = stats[group].x;
  let rstd = stats[group].y;
  let a = rstd * means[group].x;
  let b = rstd * means[group].y;
#endif
  let factor = gamma[column];
  let slope = rstd * factor;
#ifdef SILU
  let shift = beta[column];
#else
  const shift = Real(0.0);
#endif

  let start = (sample * params.voxels + first) * columns + column;
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
