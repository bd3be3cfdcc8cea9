// Second pass of the reductions: adds slices in their order to what is there already, optionally exchanging the last
// two axes.
//
//   y[t, i, j] += sum over slices s of partial[s, t, i, j]     (transposed = 0; partial [slices, taps, rows, columns])
//   y[t, i, j] += sum over slices s of partial[s, t, j, i]     (transposed = 1; partial [slices, taps, columns, rows])
//
// Bindings: partial as above, y [taps, rows, columns]. One invocation per element of y.
// Constants: WORKGROUP. Dispatch: workgroups1d(ceil(taps rows columns / WORKGROUP)).
#import grid

struct Params {
  slices: u32,
  taps: u32,
  rows: u32,
  columns: u32,
  transposed: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let at = linear_workgroup(wid, num) * WORKGROUP + local;
  let matrix = params.rows * params.columns;
  let tap = at / matrix;
  if (tap >= params.taps) {
    return;
  }
  let i = (at % matrix) / params.columns;
  let j = at % params.columns;
  var source = tap * matrix + select(i * params.columns + j, j * params.rows + i, params.transposed != 0u);
  var sum = 0.0;
  for (var slice = 0u; slice < params.slices; slice++) {
    sum += partial[source];
    source += params.taps * matrix;
  }
  y[at] += sum;
}
