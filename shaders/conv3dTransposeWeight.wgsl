// Exchanges the two channel axes of convolution weights and, with flip = 1, reverses the three spatial axes (reversing
// each axis of a cube reverses the flat order of its taps):
//
//   y[k', b, a] = weight[k, a, b],  k' = taps - 1 - k or k
//
// Bindings: weight [taps, rows, columns], y [taps, columns, rows].
// Constants: WORKGROUP. Dispatch: workgroups1d(ceil(taps rows columns / WORKGROUP)).
#import grid

struct Params {
  taps: u32,
  rows: u32,
  columns: u32,
  flip: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
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
  let b = (at % matrix) / params.rows;
  let a = at % params.rows;
  let source = select(tap, params.taps - 1u - tap, params.flip != 0u);
  y[at] = weight[source * matrix + a * params.columns + b];
}
