// Group norm, first pass: (mean, M2) of each channel over runs of voxels.
//
//   A sample of V voxels is cut into `streams` runs of `run` voxels, the last one shorter. Each thread takes one column
//   (one channel, or four with VEC4) of one run, eight voxels at a time: their mean and M2 in registers, then a merge.
// x         [N, V, columns]
// partials  [N, streams, 2, columns]: mean, then M2
// VEC4: C is a multiple of 4 and columns = C / 4; else columns = C. F16: x is stored in half precision.
// Dispatch: ceil(total / 64) workgroups, total = N * streams * columns.
#import grid
#import storage
#import moments

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

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_workgroup(wid, num) * 64u + lane;
  if (thread >= params.total) {
    return;
  }
  let columns = params.columns;
  let row = thread / columns;
  let column = thread - row * columns;
  let sample = row / params.streams;
  let first = (row - sample * params.streams) * params.run;
  var left = min(params.run, params.voxels - first);
  var at = (sample * params.voxels + first) * columns + column;

  var all = Moments(0.0, Real(0.0), Real(0.0));
  for (; left >= 8u; left -= 8u) {
#for i in 0..8
    let x_${i} = Real(x[at + ${i}u * columns]);
#endfor
    at += 8u * columns;
    let mean = (((x_0 + x_1) + (x_2 + x_3)) + ((x_4 + x_5) + (x_6 + x_7))) * 0.125;
    var m2 = Real(0.0);
#for i in 0..8
    let d_${i} = x_${i} - mean;
    m2 += d_${i} * d_${i};
#endfor
    all = merge_moments(all, Moments(8.0, mean, m2));
  }
  for (; left > 0u; left--) {
    all = merge_moments(all, Moments(1.0, Real(x[at]), Real(0.0)));
    at += columns;
  }
  let out = row * 2u * columns + column;
  partials[out] = all.mean;
  partials[out + columns] = all.m2;
}
