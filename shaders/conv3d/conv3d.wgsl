// 3D convolution (cross-correlation) with a cubic kernel, channels-last, with bias and residual in the epilogue:
//
//   y[n, o, co] = bias[co] + addend[n, o, co]
//                 + sum over taps k and channels ci of x[n, o S - pad + k, ci] weight[k, ci, co]
//
// and x = 0 outside. As a GEMM: M = N Do Ho Wo positions, N = Co, K = KERNEL^3 Ci. `pad` may be negative or larger than
// the kernel, so the gradient of a stride-1 convolution is this shader too, on weights read from the last tap to the
// first and with their channels exchanged.
//
// Bindings: x [N, D, H, W, Ci], weight, in which (k, ci, co) lies at weight_first + k weight_tap + ci weight_in +
// co weight_out, y [N, Do, Ho, Wo, Co]; bias [Co] and addend (as y) are read only where has_bias, has_addend are 1.
//
// One invocation computes TILE_X by TILE_Y outputs of a plane for TILE_C channels: an input element, once loaded,
// serves all taps of the plane that touch it. The invocations of a workgroup lie next to one another along x, then y,
// then the rows n Do + z (lanes_x, lanes_y: powers of two whose product divides WORKGROUP). With LANES, a subgroup
// loads each weight once, lane l the one of channel l, and spreads it; sizes of a subgroup of at least LANES do.
//
// Constants: KERNEL, STRIDE, TILE_X, TILE_Y, TILE_C, WORKGROUP; LANES where subgroups are used (it divides TILE_C);
// X_F16, Y_F16: x, addend and y are stored in half precision.
// Host: out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(tiles_x * tiles_y * tiles_z * ceil(Co / TILE_C)).
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import grid
#import storagePair

struct Params {
  batch: i32,
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  tiles_x: u32, tiles_y: u32, tiles_z: u32, blocks_c: u32,
  lanes_x: u32, lanes_y: u32,
  weight_first: i32, weight_tap: i32, weight_in: i32, weight_out: i32,
  has_bias: u32, has_addend: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> addend: array<StoredY>;
@group(0) @binding(5) var<storage, read_write> y: array<StoredY>;

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
  let tile = linear_workgroup(wid, num);
  let block_c = tile % params.blocks_c;
  let tile_x = (tile / params.blocks_c) % params.tiles_x;
  let tile_y = (tile / (params.blocks_c * params.tiles_x)) % params.tiles_y;
  let tile_z = tile / (params.blocks_c * params.tiles_x * params.tiles_y);
  if (tile_z >= params.tiles_z) {
    return;
  }
  let lanes_xy = params.lanes_x * params.lanes_y;
  let co0 = i32(block_c) * TILE_C;
  let ox = i32(tile_x * params.lanes_x + local % params.lanes_x) * TILE_X;
  let oy = i32(tile_y * params.lanes_y + (local / params.lanes_x) % params.lanes_y) * TILE_Y;
  let row_z = i32(tile_z * (WORKGROUP / lanes_xy) + local / lanes_xy);
  let n = row_z / params.out_d;
  let oz = row_z % params.out_d;
  let ix = ox * STRIDE - params.pad;
  let iy = oy * STRIDE - params.pad;
#ifdef LANES
  let co_lane = co0 + i32(lane % LANES);
#endif

#for c in 0..COLUMNS
  let column_ok_${c} = ix + ${c} >= 0 && ix + ${c} < params.in_w;
#endfor
#ifdef LANES
#for g in 0..TILE_C/LANES
  let lane_bias_${g} = select(0.0, bias[u32(co_lane + ${g*LANES})], params.has_bias != 0u);
#endfor
#endif
#for c in 0..TILE_C
#ifdef LANES
  let bias_${c} = subgroupBroadcast(lane_bias_${c/LANES}, ${c%LANES}u);
#else
  let bias_${c} = select(0.0, bias[u32(co0 + ${c})], params.has_bias != 0u);
#endif
#for j in 0..TILE_Y
#for i in 0..TILE_X
  var acc_${j}_${i}_${c} = bias_${c};
#endfor
#endfor
#endfor

  for (var kz = 0; kz < KERNEL; kz++) {
    let iz = oz * STRIDE - params.pad + kz;
    let plane_ok = n < params.batch && iz >= 0 && iz < params.in_d;
    let plane = (n * params.in_d + iz) * params.in_h + iy;
    let weight_kz = params.weight_first + kz * KERNEL * KERNEL * params.weight_tap;
#for r in 0..ROWS
    let row_ok_${r} = plane_ok && iy + ${r} >= 0 && iy + ${r} < params.in_h;
    let row_${r} = ((plane + ${r}) * params.in_w + ix) * params.in_c;
#endfor
    for (var ci = 0; ci < params.in_c; ci++) {
#for r in 0..ROWS
#for c in 0..COLUMNS
      let x_${r}_${c} = select(0.0, f32(x[u32(row_${r} + ${c} * params.in_c + ci)]), row_ok_${r} && column_ok_${c});
#endfor
#endfor
#ifdef LANES
      let weight_at = weight_kz + ci * params.weight_in + co_lane * params.weight_out;
#for g in 0..TILE_C/LANES
#for t in 0..KERNEL*KERNEL
      let lane_weight_${g}_${t} = weight[u32(weight_at + ${t} * params.weight_tap + ${g*LANES} * params.weight_out)];
#endfor
#endfor
#else
      let weight_at = weight_kz + ci * params.weight_in + co0 * params.weight_out;
#endif
#for c in 0..TILE_C
#for t in 0..KERNEL*KERNEL
#ifdef LANES
      let w_${c}_${t} = subgroupBroadcast(lane_weight_${c/LANES}_${t}, ${c%LANES}u);
#else
      let w_${c}_${t} = weight[u32(weight_at + ${t} * params.weight_tap + ${c} * params.weight_out)];
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

  // Through an array and a loop of unknown length (a known one is unrolled) over positions, so that the shader has
  // TILE_C stores a loop where it would have TILE_X TILE_Y TILE_C: each takes long to compile. The inner index is a
  // constant, so that the compiler splits the array, as in conv3dRows.wgsl. Stores without an addend have a loop of
  // their own, as a branch that is not taken costs its loads.
  var outputs: array<array<f32, TILE_C>, TILE_X * TILE_Y>;
#for j in 0..TILE_Y
#for i in 0..TILE_X
#for c in 0..TILE_C
  outputs[${j*TILE_X+i}][${c}] = acc_${j}_${i}_${c};
#endfor
#endfor
#endfor
  let positions = select(0, TILE_X * TILE_Y, n < params.batch);
  let has_addend = params.has_addend != 0u;
#for added in 0..2
  for (var p = 0; p < select(0, positions, has_addend == (${added} == 1)); p++) {
    let py = oy + p / TILE_X;
    let px = ox + p % TILE_X;
    if (py < params.out_h && px < params.out_w) {
      let at = ((row_z * params.out_h + py) * params.out_w + px) * params.out_c + co0;
#for c in 0..TILE_C
      if (co0 + ${c} < params.out_c) {
        var value = outputs[p][${c}];
#if added
        value += f32(addend[u32(at + ${c})]);
#endif
        y[u32(at + ${c})] = StoredY(value);
      }
#endfor
    }
  }
#endfor
}
