// Group norm backward, first pass: sums of u and u * n of each channel over runs of voxels, where
//
//   n = (x - mean) * rstd,  z = gamma * n + beta,  u = gradY (without SiLU) or gradY * silu'(z) (with it).
// x, gradY     [N, V, columns]
// gamma, beta  [columns]
// stats        [N, groups] of (mean, 1 / standard deviation)
// partials     [N, streams, 2, columns]: sum of u, then sum of u * n
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: the forward pass applied SiLU.
// F16: x and gradY are stored in half precision.
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
  let s_${i} = stats[sample * params.groups + (column * 4u + ${i}u) / params.groupWidth];
#endfor
  let mean = vec4<f32>(s_0.x, s_1.x, s_2.x, s_3.x);
  let rstd = vec4<f32>(s_0.y, s_1.y, s_2.y, s_3.y);
#else
  let s = stats[sample * params.groups + column / params.groupWidth];
  let mean = s.x;
  let rstd = s.y;
#endif
#ifdef SILU
  let factor = gamma[column];
  let shift = beta[column];
#else
  const factor = Real(0.0);
  const shift = Real(0.0);
#endif

  var sum_u = Real(0.0);
  var sum_un = Real(0.0);
  let start = (sample * params.voxels + first) * columns + column;
  for (var i = 0u; i < count; i++) {
    let at = start + i * columns;
    let n = normalised(at, mean, rstd);
    let u = inner_gradient(at, n, factor, shift);
    sum_u += u;
    sum_un += u * n;
  }
  let out = row * 2u * columns + column;
  partials[out] = sum_u;
  partials[out + columns] = sum_un;
}
