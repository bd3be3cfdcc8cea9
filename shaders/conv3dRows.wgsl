// 3x3x3 convolution of stride 1 and padding 1 for adapters with subgroups of one known, small size (software ones): the
// sums of conv3d.wgsl,
//
//   y[n, o, co] = bias[co] + addend[n, o, co] + sum over k, ci of x[n, o - 1 + k, ci] weight[k, ci, co]
//
// with no value loaded twice in a subgroup. There a load is a branch and a bounds check for each lane, as much work as
// some twenty multiply-adds, and a shuffle is one instruction; and the loop must stay small enough for the
// processor's instruction cache. As a GEMM: M = N D H W positions, N = Co, K = 27 Ci.
//
// A workgroup is one subgroup of WORKGROUP lanes, of which lanes_x lie along x. Outputs come in blocks of TILE_Y rows of
// a plane, counted over y and then over the planes n D + z; each row of lanes has a block of its own. A lane computes
// TILE_Y rows of GROUPS columns, lanes_x apart, for TILE_C channels. What lies left and right of a column comes by
// shuffles. With EDGES a block is narrower than the grid: what lies beyond its ends is loaded together, by a lane for
// each row and side. Lane l loads the weights of channel l of every WORKGROUP, and spreads them.
//
// Bindings: x [N, D, H, W, Ci], weight [3, 3, 3, Ci, Co], y [N, D, H, W, Co]; bias [Co] and addend (as y) are read only
// where has_bias, has_addend are 1. The weight of (k, ci, co) lies at weight_first + k weight_tap + ci weight_in +
// co weight_out, k from 0 to 26: the gradient with respect to the input reads the forward weights backwards, with
// their channels exchanged.
//
// Constants: GROUPS, TILE_Y, TILE_C, WORKGROUP = the subgroup size, which divides TILE_C; EDGES;
// X_F16, Y_F16: x, addend and y are stored in half precision.
// Host: lanes_x is a power of two up to WORKGROUP, and is WORKGROUP with EDGES; without, GROUPS lanes_x >= W.
// Out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(ceil(blocks / (WORKGROUP / lanes_x)) * tiles_x * blocks_c), blocks = N D blocks_y,
// blocks_y = ceil(H / TILE_Y), blocks_c = ceil(Co / TILE_C).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import storagePair

struct Params {
  depth: i32, height: i32, width: i32,
  in_c: i32, out_c: i32,
  blocks: i32, blocks_y: i32,
  tiles_x: u32, blocks_c: u32,
  lanes_x: i32,
  weight_first: i32, weight_tap: i32, weight_in: i32, weight_out: i32,
  has_bias: u32, has_addend: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> addend: array<StoredY>;
@group(0) @binding(5) var<storage, read_write> y: array<StoredY>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let lane = i32(subgroup_lane);
  let lanes_x = params.lanes_x;
  let lane_x = lane % lanes_x;
  let tile = i32(index / (params.blocks_c * params.tiles_x));
  if (tile * (WORKGROUP / lanes_x) >= params.blocks) {
    return;
  }
  let block = tile * (WORKGROUP / lanes_x) + lane / lanes_x;
  let plane = block / params.blocks_y;
  let oz = plane % params.depth;
  let oy = (block % params.blocks_y) * TILE_Y;
  let tile_x = i32((index / params.blocks_c) % params.tiles_x) * GROUPS * lanes_x;
  let ox = tile_x + lane_x;
  let co0 = i32(index % params.blocks_c) * TILE_C;
  let weight_lane = params.weight_first + (co0 + lane) * params.weight_out;

  // The lanes left and right of this one in its row, around the end.
  let lane_left = u32(lane - lane_x + (lane_x + lanes_x - 1) % lanes_x);
  let lane_right = u32(lane - lane_x + (lane_x + 1) % lanes_x);
  let is_first = lane_x == 0;
  let is_last = lane_x == lanes_x - 1;
#for g in 1..GROUPS+1
  let column_ok_${g} = block < params.blocks && ox + ${g-1} * lanes_x < params.width;
#endfor
#ifdef EDGES
#for h in 0..(2*TILE_Y+4+WORKGROUP-1)/WORKGROUP
  let edge_y_${h} = oy - 1 + ${h*WORKGROUP/2} + lane / 2;
  let edge_x_${h} = select(tile_x - 1, tile_x + GROUPS * lanes_x, lane % 2 == 1);
  let edge_ok_${h} = edge_x_${h} >= 0 && edge_x_${h} < params.width && edge_y_${h} >= 0 && edge_y_${h} < params.height;
#endfor
#endif

#for q in 0..TILE_C/WORKGROUP
  let lane_bias_${q} = select(0.0, bias[u32(co0 + lane + ${q*WORKGROUP})], params.has_bias != 0u);
#endfor
#for c in 0..TILE_C
  let bias_${c} = subgroupBroadcast(lane_bias_${c/WORKGROUP}, ${c%WORKGROUP}u);
#for j in 0..TILE_Y
#for g in 1..GROUPS+1
  var acc_${j}_${g}_${c} = bias_${c};
#endfor
#endfor
#endfor

  for (var kz = 0; kz < 3; kz++) {
    let iz = oz - 1 + kz;
    let plane_ok = iz >= 0 && iz < params.depth;
    let row = (plane + kz - 1) * params.height - 1;
#for r in 0..TILE_Y+2
    let row_ok_${r} = plane_ok && oy + ${r} >= 1 && oy + ${r} <= params.height;
    let at_${r} = ((row + oy + ${r}) * params.width + ox) * params.in_c;
#endfor
#ifdef EDGES
#for h in 0..(2*TILE_Y+4+WORKGROUP-1)/WORKGROUP
    let edge_at_${h} = ((row + 1 + edge_y_${h}) * params.width + edge_x_${h}) * params.in_c;
#endfor
#endif
    for (var ci = 0; ci < params.in_c; ci++) {
      let weight_at = weight_lane + kz * 9 * params.weight_tap + ci * params.weight_in;
#for t in 0..9
#for q in 0..TILE_C/WORKGROUP
      let lane_weight_${q}_${t} = weight[u32(weight_at + ${t} * params.weight_tap + ${q*WORKGROUP} * params.weight_out)];
#endfor
#endfor
#ifdef EDGES
#for h in 0..(2*TILE_Y+4+WORKGROUP-1)/WORKGROUP
      let edge_${h} = select(0.0, f32(x[u32(edge_at_${h} + ci)]), plane_ok && edge_ok_${h});
#endfor
#endif
#for r in 0..TILE_Y+2
#ifdef EDGES
      let left_${r}_0 = subgroupBroadcast(edge_${2*r/WORKGROUP}, ${2*r%WORKGROUP}u);
      let right_${r}_${GROUPS+1} = subgroupBroadcast(edge_${2*r/WORKGROUP}, ${2*r%WORKGROUP+1}u);
#else
      let left_${r}_0 = 0.0;
      let right_${r}_${GROUPS+1} = 0.0;
#endif
#for g in 1..GROUPS+1
      let x_${r}_${g}_1 = select(0.0, f32(x[u32(at_${r} + ${g-1} * lanes_x * params.in_c + ci)]), row_ok_${r} && column_ok_${g});
      let left_${r}_${g} = subgroupShuffle(x_${r}_${g}_1, lane_left);
      let right_${r}_${g} = subgroupShuffle(x_${r}_${g}_1, lane_right);
#endfor
#for g in 1..GROUPS+1
      let x_${r}_${g}_0 = select(left_${r}_${g}, left_${r}_${g-1}, is_first);
      let x_${r}_${g}_2 = select(right_${r}_${g}, right_${r}_${g+1}, is_last);
#endfor
#endfor
#for c in 0..TILE_C
#for t in 0..9
      let w_${c}_${t} = subgroupBroadcast(lane_weight_${c/WORKGROUP}_${t}, ${c%WORKGROUP}u);
#endfor
#for j in 0..TILE_Y
#for g in 1..GROUPS+1
#for ky in 0..3
#for kx in 0..3
      acc_${j}_${g}_${c} = fma(x_${j+ky}_${g}_${kx}, w_${c}_${ky*3+kx}, acc_${j}_${g}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
    }
  }

  // Through an array and a loop of unknown length (a known one is unrolled), so that the shader has one store where it
  // would have TILE_Y GROUPS TILE_C: each takes long to compile.
  var outputs: array<f32, TILE_Y * GROUPS * TILE_C>;
#for j in 0..TILE_Y
#for g in 1..GROUPS+1
#for c in 0..TILE_C
  outputs[${(j*GROUPS+g-1)*TILE_C+c}] = acc_${j}_${g}_${c};
#endfor
#endfor
#endfor
  let channels = min(TILE_C, params.out_c - co0);
  let positions = select(0, min(TILE_Y, params.height - oy) * GROUPS, block < params.blocks);
  for (var p = 0; p < positions; p++) {
    let px = ox + (p % GROUPS) * lanes_x;
    if (px < params.width) {
      let at = ((plane * params.height + oy + p / GROUPS) * params.width + px) * params.out_c + co0;
      for (var c = 0; c < channels; c++) {
        var value = outputs[p * TILE_C + c];
        if (params.has_addend != 0u) {
          value += f32(addend[u32(at + c)]);
        }
        y[u32(at + c)] = StoredY(value);
      }
    }
  }
}
