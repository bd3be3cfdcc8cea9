// Group norm, the normalising pass, optionally followed by SiLU:
//
//   y = gamma * (x - mean) * rstd + beta,  or SiLU of that,  (mean, rstd) those of the sample and the channel's group.
// A thread takes one column (one channel, or four with VEC4) over `run` voxels, with the four coefficients in
// registers.
// x, y         [N, V, columns]
// gamma, beta  [columns]
// stats        [N, groups] of (mean, 1 / standard deviation)
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. SILU: SiLU is applied.
// F16: x and y are stored in half precision.
// Dispatch: threads1d(total), total = N * streams * columns, streams = ceil(V / run).
#import thread
#import sigmoid
#import storage

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
  let factor = gamma[column] * rstd;
  let shift = beta[column];

  let start = (sample * params.voxels + first) * columns + column;
  for (var i = 0u; i < count; i++) {
    let at = start + i * columns;
    let z = (Real(x[at]) - mean) * factor + shift;
#ifdef SILU
    y[at] = Stored(silu(z));
#else
    y[at] = Stored(z);
#endif
  }
}
