// The weights of a 3x3x3 convolution as conv3dRows.wgsl takes them: Winograd's G for F(2, 3) along z (see there),
//
//   y[0] = w[0]    y[1] = (w[0] + w[1] + w[2]) / 2    y[2] = (w[0] - w[1] + w[2]) / 2    y[3] = w[2]
//
// for each (ky, kx, ci, co).
//
// Bindings: weight, y [4, 3, 3, Ci, Co]. The weight of (k, ci, co) lies at first + k tap + ci inStep + co outStep, k
// from 0 to 26: the gradient with respect to the input reads the forward weights backwards, with their channels
// exchanged.
//
// Constants: WORKGROUP.
// Dispatch: workgroups1d(ceil(Ci Co / WORKGROUP)), a thread per (ci, co).
// GROUPED: many such weights, each with a row of the table: the fields of Params after what all rows have, `first`
// counted from the weight's own first element.
#import grid

#ifdef GROUPED
struct Params { calls: u32 }
const ROW = 9u;
#else
struct Params { inC: i32, outC: i32, first: i32, tap: i32, inStep: i32, outStep: i32 }
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#ifdef GROUPED
@group(0) @binding(3) var<storage, read> table: array<u32>;
#import dispatchGroup
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let workgroup = linear_workgroup(wid, num);
#ifdef GROUPED
  let row = row_of(workgroup);
  let index = i32((workgroup - table[row]) * WORKGROUP + thread);
  let y_first = i32(table[row + 2u]);
  let in_c = i32(table[row + 3u]);
  let out_c = i32(table[row + 4u]);
  let weight_first = i32(table[row + 1u] + table[row + 5u]);
  let tap = i32(table[row + 6u]);
  let in_step = i32(table[row + 7u]);
  let out_step = i32(table[row + 8u]);
#else
  let index = i32(workgroup * WORKGROUP + thread);
  let y_first = 0;
  let in_c = params.inC;
  let out_c = params.outC;
  let weight_first = params.first;
  let tap = params.tap;
  let in_step = params.inStep;
  let out_step = params.outStep;
#endif
  let area = in_c * out_c;
  if (index < area) {
    let first = weight_first + index / out_c * in_step + index % out_c * out_step;
    for (var t = 0; t < 9; t++) {
      let at = first + t * tap;
      let w0 = weight[u32(at)];
      let w1 = weight[u32(at + 9 * tap)];
      let w2 = weight[u32(at + 18 * tap)];
      let to = y_first + index + t * area;
      y[u32(to)] = w0;
      y[u32(to + 9 * area)] = 0.5 * (w0 + w1 + w2);
      y[u32(to + 18 * area)] = 0.5 * (w0 - w1 + w2);
      y[u32(to + 27 * area)] = w2;
    }
  }
}
