// The weights of a 3x3x3 convolution as conv3dRows.wgsl takes them: Winograd's G for F(2, 3) along z (see there),
//
//   y[0] = w[0]    y[1] = (w[0] + w[1] + w[2]) / 2    y[2] = (w[0] - w[1] + w[2]) / 2    y[3] = w[2]
//
// for each (ky, kx, ci, co).
//
// Bindings: weight, y [4, 3, 3, Ci, Co]. The weight of (k, ci, co) lies at first + k tap + ci in_step + co out_step, k from
// 0 to 26: the gradient with respect to the input reads the forward weights backwards, with their channels exchanged.
//
// Constants: WORKGROUP.
// Dispatch: workgroups1d(ceil(Ci Co / WORKGROUP)), a thread per (ci, co).
#import grid

struct Params { in_c: i32, out_c: i32, first: i32, tap: i32, in_step: i32, out_step: i32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let index = i32(linear_workgroup(wid, num) * WORKGROUP + thread);
  let area = params.in_c * params.out_c;
  if (index < area) {
    let first = params.first + index / params.out_c * params.in_step + index % params.out_c * params.out_step;
    for (var t = 0; t < 9; t++) {
      let at = first + t * params.tap;
      let w0 = weight[u32(at)];
      let w1 = weight[u32(at + 9 * params.tap)];
      let w2 = weight[u32(at + 18 * params.tap)];
      y[u32(index + t * area)] = w0;
      y[u32(index + (t + 9) * area)] = 0.5 * (w0 + w1 + w2);
      y[u32(index + (t + 18) * area)] = 0.5 * (w0 - w1 + w2);
      y[u32(index + (t + 27) * area)] = w2;
    }
  }
}
