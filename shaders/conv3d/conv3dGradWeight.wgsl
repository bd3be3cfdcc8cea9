// Gradient of a 3D convolution with respect to its weights, first of two passes: sums over slices of the positions
// (split-K; sumPartials.wgsl adds the slices in a fixed order). With accumulate = 1 there is one slice, and `partial`
// is the gradient itself, added to what is there.
//
//   partial[s, k, ci, co] = sum over positions o of slice s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [slices, KERNEL^3 Ci Co], in which (k, ci, co) lies
// at weight_first + k weight_tap + ci weight_in + co weight_out. With stride 1 the two tensors may change places: the
// taps are then met from the last to the first, with a padding of KERNEL - 1 - pad, which may be negative.
//
// A team of TEAM invocations computes, for one kz and TAP_ROWS values of ky, the taps of BLOCKS_I * TEAM input channels
// and BLOCKS_O * TEAM output channels; invocation l holds the output channels l + b TEAM. It walks along bands of ROWS
// rows of positions, STEP columns at a time, with a window of WINDOW_ROWS by WINDOW inputs, of which the first KEPT
// columns stay from the step before: an input serves all the taps and rows that meet it. With SUBGROUPS a team is a
// subgroup of exactly TEAM lanes: lane l loads input channel l, and the values are spread. Without, each lane loads
// them itself, and a workgroup holds WORKGROUP / TEAM teams, which take consecutive slices.
//
// On software adapters a load costs as much as some thirty multiply-adds and the loop must fit the processor's
// instruction cache, so what counts is multiply-adds a load in a small body. There a shuffle from a known lane is one
// instruction where a broadcast is three.
//
// Constants: KERNEL, STRIDE, TEAM, BLOCKS_I, BLOCKS_O, TAP_ROWS (divides KERNEL), ROWS, STEP, WORKGROUP, and
// WINDOW_ROWS = (ROWS - 1) STRIDE + TAP_ROWS, WINDOW = (STEP - 1) STRIDE + KERNEL, KEPT = max(0, KERNEL - STRIDE),
// EDGE = max(0, min(KEPT, padding)), columns that are always outside; SUBGROUPS (then WORKGROUP = TEAM = the subgroup
// size); X_F16, Y_F16: x, gradY are stored in half precision.
// Host: channels beyond Ci or Co are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(KERNEL (KERNEL / TAP_ROWS) blocks_i blocks_o ceil(slices / (WORKGROUP / TEAM))).
#ifdef SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import grid
#import storagePair

struct Params {
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  bands: i32,           // N Do bands_y
  bands_y: i32,         // ceil(Ho / ROWS)
  bands_per_slice: i32,
  slices: u32,
  blocks_i: u32, blocks_o: u32,
  weight_first: i32, weight_tap: i32, weight_in: i32, weight_out: i32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

const TAPS = TAP_ROWS * KERNEL;
const CHANNELS_I = BLOCKS_I * TEAM;
#let TAPS = TAP_ROWS * KERNEL
#let CHANNELS_I = BLOCKS_I * TEAM
const ROW_GROUPS = KERNEL / TAP_ROWS;
const TAP_GROUPS = KERNEL * ROW_GROUPS;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
#ifdef SUBGROUPS
  @builtin(subgroup_invocation_id) local: u32,
#else
  @builtin(local_invocation_index) local: u32,
#endif
) {
  let index = linear_workgroup(wid, num);
  let block_o = index % params.blocks_o;
  let block_i = (index / params.blocks_o) % params.blocks_i;
  let tap_group = (index / (params.blocks_o * params.blocks_i)) % TAP_GROUPS;
  let kz = i32(tap_group / ROW_GROUPS);
  let ky = i32(tap_group % ROW_GROUPS) * TAP_ROWS;
  let group = index / (params.blocks_o * params.blocks_i * TAP_GROUPS);
  let slice = group * (WORKGROUP / TEAM) + local / TEAM;
  if (slice >= params.slices) {
    return;
  }
  let lane = i32(local % TEAM);
  let co = i32(block_o) * (BLOCKS_O * TEAM) + lane;
  let ci0 = i32(block_i) * CHANNELS_I;
#ifdef SUBGROUPS
  let ci_lane = ci0 + lane;
#else
  let ci_lane = ci0;
#endif

#for t in 0..TAPS
#for i in 0..CHANNELS_I
#for b in 0..BLOCKS_O
  var acc_${t}_${i}_${b} = 0.0;
#endfor
#endfor
#endfor

  let g_stride = params.out_w * params.out_c;
  let x_stride = params.in_w * params.in_c;
  let x_first = ci_lane - params.pad * params.in_c;
  let first = i32(slice) * params.bands_per_slice;
  let bands = min(params.bands_per_slice, params.bands - first);
  var plane = first / params.bands_y;
  var n = plane / params.out_d;
  var oz = plane % params.out_d;
  var oy = (first % params.bands_y) * ROWS;
  for (var band = 0; band < bands; band++) {
    let iy = oy * STRIDE - params.pad + ky;
    let iz = oz * STRIDE - params.pad + kz;
    let plane_in = n * params.in_d + iz;
    let g_row = (plane * params.out_h + oy) * g_stride + co;
    let x_row = (plane_in * params.in_h + iy) * x_stride + x_first;
#for j in 0..ROWS
    let g_row_ok_${j} = oy + ${j} < params.out_h;
    let g_row_${j} = g_row + ${j} * g_stride;
#endfor
    let plane_ok = iz >= 0 && iz < params.in_d;
#for r in 0..WINDOW_ROWS
    let x_row_ok_${r} = iy + ${r} >= 0 && iy + ${r} < params.in_h;
    let x_row_${r} = x_row + ${r} * x_stride;
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
#for c in 0..EDGE
    var x_${r}_${c}_${i} = 0.0;
#endfor
#for c in EDGE..KEPT
    var x_${r}_${c}_${i} = select(
      0.0,
      f32(x[u32(x_row_${r} + ${c} * params.in_c + ${i*TEAM})]),
      x_row_ok_${r} && ${c} >= params.pad && ${c} < params.in_w + params.pad,
    );
#endfor
#endfor
#endif
#endfor
    // No taps meet a plane outside.
    let width = select(0, params.out_w, plane_ok);
    for (var ox = 0; ox < width; ox += STEP) {
      let column = ox * STRIDE;
#for c in 0..WINDOW
      let column_ok_${c} = column + ${c} >= params.pad && column + ${c} < params.in_w + params.pad;
#endfor
#for j in 0..ROWS
#for s in 0..STEP
#for b in 0..BLOCKS_O
      let g_${j}_${s}_${b} = select(
        0.0,
        f32(gradY[u32(g_row_${j} + (ox + ${s}) * params.out_c + ${b*TEAM})]),
        g_row_ok_${j} && ox + ${s} < params.out_w,
      );
#endfor
#endfor
#endfor
#ifdef SUBGROUPS
#for r in 0..WINDOW_ROWS
#for i in 0..BLOCKS_I
#for c in KEPT..WINDOW
      let x_${r}_${c}_${i} = select(
        0.0,
        f32(x[u32(x_row_${r} + (column + ${c}) * params.in_c + ${i*TEAM})]),
        x_row_ok_${r} && column_ok_${c},
      );
#endfor
#endfor
#endfor
#endif
#for i in 0..CHANNELS_I
#for r in 0..WINDOW_ROWS
#for c in 0..WINDOW
#ifdef SUBGROUPS
      let v_${r}_${c}_${i} = subgroupShuffle(x_${r}_${c}_${i/TEAM}, ${i%TEAM}u);
#else
      let v_${r}_${c}_${i} = select(
        0.0,
        f32(x[u32(x_row_${r} + (column + ${c}) * params.in_c + ${i})]),
        x_row_ok_${r} && column_ok_${c},
      );
#endif
#endfor
#endfor
#for y in 0..TAP_ROWS
#for k in 0..KERNEL
#let t = y*KERNEL + k
#for b in 0..BLOCKS_O
#for j in 0..ROWS
#for s in 0..STEP
      acc_${t}_${i}_${b} = fma(v_${j*STRIDE+y}_${s*STRIDE+k}_${i}, g_${j}_${s}_${b}, acc_${t}_${i}_${b});
#endfor
#endfor
#endfor
#endfor
#endfor
#endfor
#ifdef SUBGROUPS
#for r in 0..WINDOW_ROWS
#for i in 0..BLOCKS_I
#for c in 0..KEPT
      x_${r}_${c}_${i} = x_${r}_${c+STEP*STRIDE}_${i};
#endfor
#endfor
#endfor
#endif
    }
    oy += ROWS;
    if (oy >= params.out_h) {
      oy = 0;
      plane++;
      oz++;
      if (oz == params.out_d) {
        oz = 0;
        n++;
      }
    }
  }

  // Through an array and a loop of unknown length (a known one is unrolled), so that the shader has few stores: each
  // takes long to compile.
  var sums: array<f32, TAPS * CHANNELS_I * BLOCKS_O>;
#for t in 0..TAPS
#for i in 0..CHANNELS_I
#for b in 0..BLOCKS_O
  sums[${(t*CHANNELS_I+i)*BLOCKS_O+b}] = acc_${t}_${i}_${b};
#endfor
#endfor
#endfor
  let tap0 = (kz * KERNEL + ky) * KERNEL;
  let at0 = i32(slice) * (KERNEL * KERNEL * KERNEL) * params.in_c * params.out_c + params.weight_first
    + tap0 * params.weight_tap + ci0 * params.weight_in + co * params.weight_out;
  let channels = min(CHANNELS_I, params.in_c - ci0);
  let blocks = min(BLOCKS_O, (params.out_c - co + TEAM - 1) / TEAM);
  let rows = select(0, TAPS * CHANNELS_I, channels > 0);
  for (var m = 0; m < rows; m++) {
    let i = m % CHANNELS_I;
    let at = at0 + (m / CHANNELS_I) * params.weight_tap + i * params.weight_in;
#for b in 0..BLOCKS_O
    if (i < channels && ${b} < blocks) {
      var sum = sums[m * BLOCKS_O + ${b}];
      if (params.accumulate != 0u) {
        sum += partial[u32(at + ${b*TEAM} * params.weight_out)];
      }
      partial[u32(at + ${b*TEAM} * params.weight_out)] = sum;
    }
#endfor
  }
}
