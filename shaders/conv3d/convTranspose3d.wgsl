// Transposed 3D convolution of stride 2 with a cubic kernel, channels-last; the gradient of a stride-2 convolution with
// respect to its input is the same operation on weights with their channels exchanged:
//
//   y[n, o, co] = bias[co] + sum over taps k, positions i = (o + pad - k) / 2 that are whole, and channels ci of
//                 x[n, i, ci] weight[k, ci, co]
//
// Along an axis, write o + pad = 2 q + r. Only the taps k = r + 2 j meet output o, at i = q - j: for each of the 8
// parity classes (rz, ry, rx) this is a stride-1 convolution with at most HALF = ceil(KERNEL / 2) taps an axis. As a
// GEMM: M = N Do Ho Wo / 8 positions of a class, N = Co, K = (KERNEL / 2)^3 Ci.
//
// Bindings: x [N, D, H, W, Ci], weight, in which (k, ci, co) lies at k weight_tap + ci weight_in + co weight_out,
// y [N, Do, Ho, Wo, Co]; bias [Co] is read only where has_bias is 1.
//
// One workgroup works on one class; lanes, tiles, LANES and constants as in conv3d.wgsl, over q instead of o.
// Constants: KERNEL, TILE_X, TILE_Y, TILE_C, WORKGROUP; LANES where subgroups are used (it divides TILE_C); X_F16,
// Y_F16: x, y are stored in half precision.
// Host: tiles cover ceil(size / 2) values of q an axis. out_d counts planes of y; rows_d = ceil(out_d / 2).
// Dispatch: workgroups1d(8 * tiles_x * tiles_y * tiles_z * ceil(Co / TILE_C)).
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
  rows_d: i32,
  pad: i32,
  tiles_x: u32, tiles_y: u32, tiles_z: u32, blocks_c: u32,
  lanes_x: u32, lanes_y: u32,
  weight_tap: i32, weight_in: i32, weight_out: i32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<StoredY>;

const HALF = (KERNEL + 1) / 2;
#let HALF = (KERNEL + 1) / 2
// What the taps of a class meet of the inputs.
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
  let tile = linear_workgroup(wid, num);
  let block_c = tile % params.blocks_c;
  let class_index = i32((tile / params.blocks_c) % 8u);
  let tile_xyz = tile / (params.blocks_c * 8u);
  let tile_x = tile_xyz % params.tiles_x;
  let tile_y = (tile_xyz / params.tiles_x) % params.tiles_y;
  let tile_z = tile_xyz / (params.tiles_x * params.tiles_y);
  if (tile_z >= params.tiles_z) {
    return;
  }
  let rx = class_index & 1;
  let ry = (class_index >> 1) & 1;
  let rz = class_index >> 2;
  let lanes_xy = params.lanes_x * params.lanes_y;
  let co0 = i32(block_c) * TILE_C;
  let row_z = i32(tile_z * (WORKGROUP / lanes_xy) + local / lanes_xy);
  let n = row_z / params.rows_d;
  // The first q of a class is the smallest with o = 2 q + r - pad >= 0; >> rounds down.
  let qx = i32(tile_x * params.lanes_x + local % params.lanes_x) * TILE_X + ((params.pad - rx + 1) >> 1);
  let span_y = tile_y * params.lanes_y + (local / params.lanes_x) % params.lanes_y;
  let qy = i32(span_y) * TILE_Y + ((params.pad - ry + 1) >> 1);
  let qz = row_z % params.rows_d + ((params.pad - rz + 1) >> 1);
  let ix = qx - (HALF - 1);
  let iy = qy - (HALF - 1);
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

  for (var kz = rz; kz < KERNEL; kz += 2) {
    let iz = qz - (kz >> 1);
    let plane_ok = n < params.batch && iz >= 0 && iz < params.in_d;
    let plane = (n * params.in_d + iz) * params.in_h + iy;
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
      let weight_at = ((kz * KERNEL + ry) * KERNEL + rx) * params.weight_tap + ci * params.weight_in;
      // A class of an odd kernel may lack the last tap of an axis.
#for ky in 0..HALF
#for kx in 0..HALF
      let tap_ok_${ky}_${kx} = ry + ${2*ky} < KERNEL && rx + ${2*kx} < KERNEL;
      let tap_at_${ky}_${kx} = weight_at + ${2*ky*KERNEL+2*kx} * params.weight_tap;
#ifdef LANES
#for g in 0..TILE_C/LANES
      let lane_weight_${g}_${ky}_${kx} = select(
        0.0,
        weight[u32(tap_at_${ky}_${kx} + (co_lane + ${g*LANES}) * params.weight_out)],
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
        select(0.0, weight[u32(tap_at_${ky}_${kx} + (co0 + ${c}) * params.weight_out)], tap_ok_${ky}_${kx});
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

  // As in conv3d.wgsl.
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
    if (oz < params.out_d && oy < params.out_h && ox < params.out_w) {
      let at = (((n * params.out_d + oz) * params.out_h + oy) * params.out_w + ox) * params.out_c + co0;
#for c in 0..TILE_C
      if (co0 + ${c} < params.out_c) {
        y[u32(at + ${c})] = StoredY(outputs[p][${c}]);
      }
#endfor
    }
  }
}
