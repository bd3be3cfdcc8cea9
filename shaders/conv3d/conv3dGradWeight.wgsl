// Gradient of a 3D convolution with respect to its weights, first of two passes: sums over splits of the positions
// (split-K; sumPartials.wgsl adds the splits in a fixed order). With accumulate = 1 there is one split, and `partial`
// is the gradient itself, added to what is there.
//
//   partial[s, k, ci, co] = sum over positions o of split s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [splits, KERNEL^3 Ci Co], in which (k, ci, co) lies
// at weightFirst + k weightTap + ci weightIn + co weightOut. With stride 1 the two tensors may change places: the
// taps are then met from the last to the first, with a padding of KERNEL - 1 - pad, which may be negative.
//
// A team of TEAM invocations computes, for one kz and TAP_ROWS values of ky, the taps of BLOCKS_I * TEAM input channels
// and BLOCKS_O * TEAM output channels; invocation l holds the output channels l + b TEAM. It walks along bands of ROWS
// rows of positions, STEP columns at a time, with a window of WINDOW_ROWS by WINDOW inputs, of which the first KEPT
// columns stay from the step before: an input serves all the taps and rows that meet it. With SUBGROUPS a team is a
// subgroup of exactly TEAM lanes: lane l loads input channel l, and the values are spread. Without, each lane loads
// them itself, and a workgroup holds WORKGROUP / TEAM teams, which take consecutive splits.
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
// Dispatch: workgroups1d(KERNEL (KERNEL / TAP_ROWS) blocksI blocksO ceil(splits / (WORKGROUP / TEAM))).
#ifdef SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import grid
#import gradWeightOperands

struct Params {
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  pad: i32,
  bands: i32,           // N Do bandsY
  bandsY: i32,          // ceil(Ho / ROWS)
  bandsPerSplit: i32,
  splits: i32,
  blocksI: i32, blocksO: i32,
  weightFirst: i32, weightTap: i32, weightIn: i32, weightOut: i32,
  accumulate: i32,
}

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
  let index = i32(linear_workgroup(wid, num));
  let team = i32(local) / TEAM;
  let lane = i32(local) % TEAM;
  let block_o = index % params.blocksO;
  let block_i = (index / params.blocksO) % params.blocksI;
  let tap_group = (index / (params.blocksO * params.blocksI)) % TAP_GROUPS;
  let kz = tap_group / ROW_GROUPS;
  let ky = tap_group % ROW_GROUPS * TAP_ROWS;
  let group = index / (params.blocksO * params.blocksI * TAP_GROUPS);
  let split = group * (WORKGROUP / TEAM) + team;
  if (split >= params.splits) {
    return;
  }
  let co = block_o * (BLOCKS_O * TEAM) + lane;
  let ci0 = block_i * ${CHANNELS_I};
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

  let g_stride = params.outW * params.outC;
  let x_stride = params.inW * params.inC;
  let x_first = ci_lane - params.pad * params.inC;
  let first = split * params.bandsPerSplit;
  let bands = min(params.bandsPerSplit, params.bands - first);
  var plane = first / params.bandsY;
  var n = plane / params.outD;
  var oz = plane % params.outD;
  var oy = (first % params.bandsY) * ROWS;
  for (var band = 0; band < bands; band++) {
    let iy = oy * STRIDE - params.pad + ky;
    let iz = oz * STRIDE - params.pad + kz;
    let plane_in = n * params.inD + iz;
    let g_row = (plane * params.outH + oy) * g_stride + co;
    let x_row = (plane_in * params.inH + iy) * x_stride + x_first;
#for j in 0..ROWS
    let g_row_ok_${j} = oy + ${j} < params.outH;
    let g_row_${j} = g_row + ${j} * g_stride;
#endfor
    let plane_ok = iz >= 0 && iz < params.inD;
#for r in 0..WINDOW_ROWS
    let x_row_ok_${r} = iy + ${r} >= 0 && iy + ${r} < params.inH;
    let x_row_${r} = x_row + ${r} * x_stride;
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
#for c in 0..EDGE
    var x_${r}_${c}_${i} = 0.0;
#endfor
#for c in EDGE..KEPT
    var x_${r}_${c}_${i} = load_x(
      x_row_${r} + ${c} * params.inC + ${i*TEAM},
      x_row_ok_${r} && ${c} >= params.pad && ${c} < params.inW + params.pad,
    );
#endfor
#endfor
#endif
#endfor
    // No taps meet a plane outside.
    let width = select(0, params.outW, plane_ok);
    for (var ox = 0; ox < width; ox += STEP) {
      let column = ox * STRIDE;
#for c in 0..WINDOW
      let column_ok_${c} = column + ${c} >= params.pad && column + ${c} < params.inW + params.pad;
#endfor
#for j in 0..ROWS
#for s in 0..STEP
#for b in 0..BLOCKS_O
      let g_${j}_${s}_${b} = load_gradient(
        g_row_${j} + (ox + ${s}) * params.outC + ${b*TEAM},
        g_row_ok_${j} && ox + ${s} < params.outW,
      );
#endfor
#endfor
#endfor
#ifdef SUBGROUPS
#for r in 0..WINDOW_ROWS
#for i in 0..BLOCKS_I
#for c in KEPT..WINDOW
      let x_${r}_${c}_${i} = load_x(
        x_row_${r} + (column + ${c}) * params.inC + ${i*TEAM},
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
      let v_${r}_${c}_${i} = load_x(x_row_${r} + (column + ${c}) * params.inC + ${i}, x_row_ok_${r} && column_ok_${c});
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
    if (oy >= params.outH) {
      oy = 0;
      plane++;
      oz++;
      if (oz == params.outD) {
        oz = 0;
        n++;
      }
    }
  }

  // Through an array and a loop of unknown length (a known one is unrolled), so that the shader has few stores: each
  // takes long to compile.
  var sums: array<f32, ${TAPS} * ${CHANNELS_I} * BLOCKS_O>;
#for t in 0..TAPS
#for i in 0..CHANNELS_I
#for b in 0..BLOCKS_O
  sums[${(t*CHANNELS_I+i)*BLOCKS_O+b}] = acc_${t}_${i}_${b};
#endfor
#endfor
#endfor
  let tap0 = (kz * KERNEL + ky) * KERNEL;
  let at0 = split * (KERNEL * KERNEL * KERNEL) * params.inC * params.outC + params.weightFirst
    + tap0 * params.weightTap + ci0 * params.weightIn + co * params.weightOut;
  let channels = min(${CHANNELS_I}, params.inC - ci0);
  let blocks = min(BLOCKS_O, (params.outC - co + TEAM - 1) / TEAM);
  let rows = select(0, ${TAPS} * ${CHANNELS_I}, channels > 0);
  for (var m = 0; m < rows; m++) {
    let i = m % ${CHANNELS_I};
    let at = at0 + (m / ${CHANNELS_I}) * params.weightTap + i * params.weightIn;
#for b in 0..BLOCKS_O
    if (i < channels && ${b} < blocks) {
      var sum = sums[m * BLOCKS_O + ${b}];
      if (params.accumulate != 0) {
        sum += partial[u32(at + ${b*TEAM} * params.weightOut)];
      }
      partial[u32(at + ${b*TEAM} * params.weightOut)] = sum;
    }
#endfor
  }
}
