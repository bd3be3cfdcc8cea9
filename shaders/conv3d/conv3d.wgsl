// 3D convolution (cross-correlation) with a cubic kernel, channels-last, with bias and residual in the epilogue:
//
//   y[n, o, co] = bias[co] + addend[n, o, co]
//                 + sum over taps k and channels ci of x[n, o S - pad + k, ci] weight[k, ci, co]
//
// and x = 0 outside. As a GEMM: M = N Do Ho Wo positions, N = Co, K = KERNEL^3 Ci. `pad` may be negative or larger than
// the kernel, so the gradient of a stride-1 convolution is this shader too, on weights read from the last tap to the
// first and with their channels exchanged.
//
// The weight of (k, ci, co) lies at weightFirst + k weightTap + ci weightIn + co weightOut. Other operands:
// shared/convOperands.wgsl. How outputs are shared out: shared/convLanes.wgsl, for one phase.
//
// Constants: KERNEL, STRIDE, and theirs.
#import grid
#import convLanes
#import convOperands

struct Params {
  batch: i32,
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  pad: i32,
  tilesX: i32, tilesY: i32, tilesZ: i32, blocksC: i32,
  lanesX: i32, lanesY: i32,
  weightFirst: i32, weightTap: i32, weightIn: i32, weightOut: i32,
  hasBias: i32, hasAddend: i32,
}

// The inputs of a plane that an invocation's outputs meet.
#let ROWS = (TILE_Y - 1)*STRIDE + KERNEL
#let COLUMNS = (TILE_X - 1)*STRIDE + KERNEL

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
#ifdef LANES
  @builtin(subgroup_invocation_id) lane: u32,
#endif
) {
  let place = lane_of(i32(linear_workgroup(wid, num)), i32(local), 1);
  if (place.tile_z >= params.tilesZ) {
    return;
  }
  let co0 = place.co;
  let n = place.row / params.outD;
  let oz = place.row % params.outD;
  let ox = place.x;
  let oy = place.y;
  let ix = ox * STRIDE - params.pad;
  let iy = oy * STRIDE - params.pad;
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

  for (var kz = 0; kz < KERNEL; kz++) {
    let iz = oz * STRIDE - params.pad + kz;
    let plane_ok = n < params.batch && iz >= 0 && iz < params.inD;
    let plane = (n * params.inD + iz) * params.inH + iy;
    let weight_kz = params.weightFirst + kz * KERNEL * KERNEL * params.weightTap;
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
#ifdef LANES
      let weight_at = weight_kz + ci * params.weightIn + co_lane * params.weightOut;
#for g in 0..TILE_C/LANES
#for t in 0..KERNEL*KERNEL
      let lane_weight_${g}_${t} = weight[u32(weight_at + ${t} * params.weightTap + ${g*LANES} * params.weightOut)];
#endfor
#endfor
#else
      let weight_at = weight_kz + ci * params.weightIn + co0 * params.weightOut;
#endif
#for c in 0..TILE_C
#for t in 0..KERNEL*KERNEL
#ifdef LANES
      let w_${c}_${t} = subgroupBroadcast(lane_weight_${c/LANES}_${t}, ${c%LANES}u);
#else
      let w_${c}_${t} = weight[u32(weight_at + ${t} * params.weightTap + ${c} * params.weightOut)];
#endif
#endfor
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for ky in 0..KERNEL
#for kx in 0..KERNEL
      acc_${j}_${i}_${c} = fma(x_${j*STRIDE+ky}_${i*STRIDE+kx}, w_${c}_${ky*KERNEL+kx}, acc_${j}_${i}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
    }
  }

  // See convOperands.wgsl. TILE_C stores a loop, where there would be TILE_X TILE_Y TILE_C.
  var outputs: array<array<f32, TILE_C>, TILE_X * TILE_Y>;
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for c in 0..TILE_C
  outputs[${j*TILE_X+i}][${c}] = acc_${j}_${i}_${c};
#endfor
#endfor
#endfor
  let positions = select(0, TILE_X * TILE_Y, n < params.batch);
  let has_addend = params.hasAddend != 0;
#for added in 0..2
  for (var p = 0; p < select(0, positions, has_addend == (${added} == 1)); p++) {
    let py = oy + p / TILE_X;
    let px = ox + p % TILE_X;
    if (py < params.outH && px < params.outW) {
      let at = ((place.row * params.outH + py) * params.outW + px) * params.outC + co0;
#for c in 0..TILE_C
      if (co0 + ${c} < params.outC) {
        store_${added}(at + ${c}, outputs[p][${c}]);
      }
#endfor
    }
  }
#endfor
}
