// Gradient of a 3D convolution with respect to its weights, first of two passes: sums over slices of the positions
// (split-K; sumPartials.wgsl adds the slices in a fixed order). With accumulate = 1 there is one slice, and `partial` is
// the gradient itself, added to what is there.
//
//   partial[s, k, ci, co] = sum over positions o of slice s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [slices, KERNEL, KERNEL, KERNEL, Ci, Co].
//
// A team of TEAM invocations computes, for one kz and TAP_ROWS values of ky, the taps of BLOCKS_I * TEAM input channels
// and BLOCKS_O * TEAM output channels; invocation l holds the output channels l + b TEAM. It walks along rows of
// positions, STEP at a time, with a window of TAP_ROWS by WINDOW inputs, of which the first KEPT columns stay from the
// step before. With SUBGROUPS a team is a subgroup of exactly TEAM lanes: lane l loads input channel l, and the values
// are spread. Without, each lane loads them itself, and a workgroup holds WORKGROUP / TEAM teams, which take
// consecutive slices.
//
// Constants: KERNEL, STRIDE, TEAM, BLOCKS_I, BLOCKS_O, TAP_ROWS (divides KERNEL), STEP, WORKGROUP, and
// WINDOW = (STEP - 1) STRIDE + KERNEL, KEPT = max(0, KERNEL - STRIDE); SUBGROUPS (then WORKGROUP = TEAM = the subgroup
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
  rows: i32,            // N Do Ho
  rows_per_slice: i32,
  slices: u32,
  blocks_i: u32, blocks_o: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

const TAPS = TAP_ROWS * KERNEL;
const CHANNELS_I = BLOCKS_I * TEAM;

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
  let tap_row = (index / (params.blocks_o * params.blocks_i)) % (KERNEL * (KERNEL / TAP_ROWS));
  let kz = i32(tap_row / (KERNEL / TAP_ROWS));
  let ky = i32(tap_row % (KERNEL / TAP_ROWS)) * TAP_ROWS;
  let group = index / (params.blocks_o * params.blocks_i * (KERNEL * (KERNEL / TAP_ROWS)));
  let slice = group * (WORKGROUP / TEAM) + local / TEAM;
  if (slice >= params.slices) {
    return;
  }
  let lane = i32(local % TEAM);
  let co = i32(block_o) * (BLOCKS_O * TEAM) + lane;
  let ci0 = i32(block_i) * CHANNELS_I;
#ifdef SUBGROUPS
  let ci_lane = ci0 + lane;
#endif

#for t in 0..TAP_ROWS*KERNEL
#for i in 0..BLOCKS_I*TEAM
#for b in 0..BLOCKS_O
  var acc_${t}_${i}_${b} = 0.0;
#endfor
#endfor
#endfor

  let row_end = min((i32(slice) + 1) * params.rows_per_slice, params.rows);
  for (var row = i32(slice) * params.rows_per_slice; row < row_end; row++) {
    let oy = row % params.out_h;
    let oz = (row / params.out_h) % params.out_d;
    let n = row / (params.out_h * params.out_d);
    let iz = oz * STRIDE - params.pad + kz;
    if (iz < 0 || iz >= params.in_d) {
      continue;
    }
    let iy = oy * STRIDE - params.pad + ky;
#for r in 0..TAP_ROWS
    let row_ok_${r} = iy + ${r} >= 0 && iy + ${r} < params.in_h;
    let row_${r} = ((n * params.in_d + iz) * params.in_h + iy + ${r}) * params.in_w - params.pad;
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
#for c in 0..KEPT
    var x_${r}_${c}_${i} = select(
      0.0,
      f32(x[u32((row_${r} + ${c}) * params.in_c + ci_lane + ${i*TEAM})]),
      row_ok_${r} && ${c} >= params.pad && ${c} < params.in_w + params.pad,
    );
#endfor
#endfor
#endif
#endfor
    for (var ox = 0; ox < params.out_w; ox += STEP) {
      let column = ox * STRIDE;
#for c in 0..WINDOW
      let column_ok_${c} = column + ${c} >= params.pad && column + ${c} < params.in_w + params.pad;
#endfor
#for s in 0..STEP
#for b in 0..BLOCKS_O
      let g_${s}_${b} = select(
        0.0,
        f32(gradY[u32((row * params.out_w + ox + ${s}) * params.out_c + co + ${b*TEAM})]),
        ox + ${s} < params.out_w,
      );
#endfor
#endfor
#for r in 0..TAP_ROWS
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
#for c in KEPT..WINDOW
      let x_${r}_${c}_${i} = select(
        0.0,
        f32(x[u32((row_${r} + column + ${c}) * params.in_c + ci_lane + ${i*TEAM})]),
        row_ok_${r} && column_ok_${c},
      );
#endfor
#endfor
#endif
#for i in 0..BLOCKS_I*TEAM
#for c in 0..WINDOW
#ifdef SUBGROUPS
      let v_${r}_${c}_${i} = subgroupBroadcast(x_${r}_${c}_${i/TEAM}, ${i%TEAM}u);
#else
      let v_${r}_${c}_${i} = select(
        0.0,
        f32(x[u32((row_${r} + column + ${c}) * params.in_c + ci0 + ${i})]),
        row_ok_${r} && column_ok_${c},
      );
#endif
#endfor
#for kx in 0..KERNEL
#for b in 0..BLOCKS_O
#for s in 0..STEP
      acc_${r*KERNEL+kx}_${i}_${b} = fma(v_${r}_${s*STRIDE+kx}_${i}, g_${s}_${b}, acc_${r*KERNEL+kx}_${i}_${b});
#endfor
#endfor
#endfor
#endfor
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
#for c in 0..KEPT
      x_${r}_${c}_${i} = x_${r}_${c+STEP*STRIDE}_${i};
#endfor
#endfor
#endif
#endfor
    }
  }

  // Through an array and loops of unknown length (known ones are unrolled), so that the shader has one store: each
  // takes long to compile.
  var sums: array<f32, TAPS * CHANNELS_I * BLOCKS_O>;
#for t in 0..TAP_ROWS*KERNEL
#for i in 0..BLOCKS_I*TEAM
#for b in 0..BLOCKS_O
  sums[${(t*BLOCKS_I*TEAM+i)*BLOCKS_O+b}] = acc_${t}_${i}_${b};
#endfor
#endfor
#endfor
  let tap0 = ((i32(slice) * KERNEL + kz) * KERNEL + ky) * KERNEL;
  let channels = min(CHANNELS_I, params.in_c - ci0);
  let taps = select(0, TAPS, channels > 0);
  let blocks = min(BLOCKS_O, (params.out_c - co + TEAM - 1) / TEAM);
  for (var t = 0; t < taps; t++) {
    for (var i = 0; i < channels; i++) {
      let at = ((tap0 + t) * params.in_c + ci0 + i) * params.out_c + co;
      for (var b = 0; b < blocks; b++) {
        var sum = sums[(t * CHANNELS_I + i) * BLOCKS_O + b];
        if (params.accumulate != 0u) {
          sum += partial[u32(at + b * TEAM)];
        }
        partial[u32(at + b * TEAM)] = sum;
      }
    }
  }
}
