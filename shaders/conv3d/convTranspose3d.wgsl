// Transposed 3D convolution of stride 2 with a cubic kernel, channels-last; the gradient of a stride-2 convolution with
// respect to its input is the same operation on weights with their channels exchanged:
//
//   y[n, o, co] = bias[co] + sum over taps k, positions i = (o + pad - k) / 2 that are whole, and channels ci of
//                 x[n, i, ci] weight[k, ci, co]
//
// Along an axis, write o + pad = 2 q + r. Only the taps k = r + 2 j meet output o, at i = q - j: for each of the 8
// phases (rz, ry, rx) this is a stride-1 convolution with at most HALF = ceil(KERNEL / 2) taps an axis. As a
// GEMM: M = N Do Ho Wo / 8 positions of a phase, N = Co, K = (KERNEL / 2)^3 Ci.
//
// The weight of (k, ci, co) lies at k weightTap + ci weightIn + co weightOut. Other operands: shared/convOperands.wgsl.
// How outputs are shared out: shared/convLanes.wgsl, over q instead of o; one workgroup works on one phase.
//
// Constants: KERNEL, and theirs. There is no addend.
// Host: tiles cover ceil(size / 2) values of q an axis. outD counts planes of y; rowsD = ceil(outD / 2).
#import grid
#import convLanes
#import convOperands

struct Params {
  batch: i32,
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  rowsD: i32,
  pad: i32,
  tilesX: i32, tilesY: i32, tilesZ: i32, blocksC: i32,
  lanesX: i32, lanesY: i32,
  weightTap: i32, weightIn: i32, weightOut: i32,
  hasBias: i32, hasAddend: i32,
}

#let HALF = (KERNEL + 1) / 2
// What the taps of a phase meet of the inputs.
#let ROWS = TILE_Y + HALF - 1
#let COLUMNS = TILE_X + HALF - 1

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
#ifdef LANES
  @builtin(subgroup_invocation_id) lane: u32,
#endif
) {
  let place = lane_of(i32(linear_workgroup(wid, num)), i32(local), 8);
  if (place.tile_z >= params.tilesZ) {
    return;
  }
  let co0 = place.co;
  let rx = place.phase & 1;
  let ry = (place.phase >> 1) & 1;
  let rz = place.phase >> 2;
  let n = place.row / params.rowsD;
  // The first q of a phase is the smallest with o = 2 q + r - pad >= 0; >> rounds down.
  let qx = place.x + ((params.pad - rx + 1) >> 1);
  let qy = place.y + ((params.pad - ry + 1) >> 1);
  let qz = place.row % params.rowsD + ((params.pad - rz + 1) >> 1);
  let ix = qx - ${HALF-1};
  let iy = qy - ${HALF-1};
#ifdef LANES
  let co_lane = co0 + i32(lane % LANES);
#endif

#for c in 0..COLUMNS
  let column_ok_${c} = ix + ${c} >= 0 && ix + ${c} < params.inW;
#endfor
#ifdef LANES
#for g in 0..TILE_C/LANES
  let lane_bias_${g} = load_bias(co_lane + ${g*LANES});
#endfor
#endif
#for c in 0..TILE_C
#ifdef LANES
  let bias_${c} = subgroupBroadcast(lane_bias_${c/LANES}, ${c%LANES}u);
#else
  let bias_${c} = load_bias(co0 + ${c});
#endif
#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_${j}_${i}_${c} = bias_${c};
#endfor
#endfor
#endfor

  for (var kz = rz; kz < KERNEL; kz += 2) {
    let iz = qz - (kz >> 1);
    let plane_ok = n < params.batch && iz >= 0 && iz < params.inD;
    let plane = (n * params.inD + iz) * params.inH + iy;
#for r in 0..ROWS
    let row_ok_${r} = plane_ok && iy + ${r} >= 0 && iy + ${r} < params.inH;
    let row_${r} = ((plane + ${r}) * params.inW + ix) * params.inC;
#endfor
    for (var ci = 0; ci < params.inC; ci++) {
#for r in 0..ROWS
#for c in 0..COLUMNS
      let x_${r}_${c} = load_x(row_${r} + ${c} * params.inC + ci, row_ok_${r} && column_ok_${c});
#endfor
#endfor
      let weight_at = ((kz * KERNEL + ry) * KERNEL + rx) * params.weightTap + ci * params.weightIn;
      // A phase of an odd kernel may lack the last tap of an axis.
#for ky in 0..HALF
#for kx in 0..HALF
      let tap_ok_${ky}_${kx} = ry + ${2*ky} < KERNEL && rx + ${2*kx} < KERNEL;
      let tap_at_${ky}_${kx} = weight_at + ${2*ky*KERNEL+2*kx} * params.weightTap;
#ifdef LANES
#for g in 0..TILE_C/LANES
      let lane_weight_${g}_${ky}_${kx} = select(
        0.0,
        weight[u32(tap_at_${ky}_${kx} + (co_lane + ${g*LANES}) * params.weightOut)],
        tap_ok_${ky}_${kx},
      );
#endfor
#endif
#endfor
#endfor
#for c in 0..TILE_C
#for ky in 0..HALF
#for kx in 0..HALF
#ifdef LANES
      let w_${c}_${ky}_${kx} = subgroupBroadcast(lane_weight_${c/LANES}_${ky}_${kx}, ${c%LANES}u);
#else
      let w_${c}_${ky}_${kx} =
        select(0.0, weight[u32(tap_at_${ky}_${kx} + (co0 + ${c}) * params.weightOut)], tap_ok_${ky}_${kx});
#endif
#endfor
#endfor
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for ky in 0..HALF
#for kx in 0..HALF
      acc_${j}_${i}_${c} = fma(x_${j-ky+HALF-1}_${i-kx+HALF-1}, w_${c}_${ky}_${kx}, acc_${j}_${i}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
    }
  }

  // See convOperands.wgsl.
  var outputs: array<array<f32, TILE_C>, TILE_X * TILE_Y>;
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for c in 0..TILE_C
  outputs[${j*TILE_X+i}][${c}] = acc_${j}_${i}_${c};
#endfor
#endfor
#endfor
  let oz = 2 * qz + rz - params.pad;
  let positions = select(0, TILE_X * TILE_Y, n < params.batch);
  for (var p = 0; p < positions; p++) {
    let oy = 2 * (qy + p / TILE_X) + ry - params.pad;
    let ox = 2 * (qx + p % TILE_X) + rx - params.pad;
    if (oz < params.outD && oy < params.outH && ox < params.outW) {
      let at = (((n * params.outD + oz) * params.outH + oy) * params.outW + ox) * params.outC + co0;
#for c in 0..TILE_C
      if (co0 + ${c} < params.outC) {
        store_0(at + ${c}, outputs[p][${c}]);
      }
#endfor
    }
  }
}
