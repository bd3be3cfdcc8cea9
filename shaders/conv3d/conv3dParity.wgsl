// Convolutions whose taps fall into parity classes, for adapters with subgroups of one known, small size (software
// ones): stride 2, its transpose, and kernels of 1. The sums are those of conv3d.wgsl and convTranspose3d.wgsl, loads
// and lanes as in conv3dRows.wgsl.
//
// Along an axis a tap k is of class c = k mod 2, its j-th being k = c + 2 j; a class has at most two. Outputs o are
// counted by v, with v and the inputs i of a class a distance of one or two apart:
//
//   strided:     o = v,                     i = STEP v - pad + c + 2 j,  each output meets all classes;
//   transposed:  o + pad = 2 (v + v0) + c,  i = v + v0 - j,              each output meets one, v0 so that o >= 0.
//
// Either way this is a sum over classes of stride-1 convolutions of one or two taps an axis, and of the two taps along
// x one meets i of the lane's own column, the other that of its neighbour. As a GEMM:
// M = positions v, N = Co, K = taps Ci; transposed, one such for each of 8 classes.
//
// A workgroup is one subgroup of WORKGROUP lanes, of which lanes_x lie along x. Positions come in blocks of TILE_Y rows
// of a plane, counted over y and then over the planes n depth + z; each row of lanes has a block of its own. A lane
// computes TILE_Y rows of GROUPS neighbouring columns for TILE_C channels. With EDGES a block is narrower than the
// grid: what lies beyond its end is loaded together, by a lane for each row. Lane l loads the weights of channel l of
// every WORKGROUP, and spreads them by shuffles (see conv3dRows.wgsl).
//
// Bindings: x [N, D, H, W, Ci], weight, y [N, Do, Ho, Wo, Co]; bias [Co] and addend (as y) are read only where
// has_bias, has_addend are 1. The weight of (k, ci, co) lies at k weight_tap + ci weight_in + co weight_out.
//
// Constants: KERNEL, GROUPS, TILE_Y, TILE_C, WORKGROUP = the subgroup size, which divides TILE_C; EDGES;
// X_F16, Y_F16: x, addend and y are stored in half precision.
// Host: kernels of 3 and 4 have pad 1, those of 1 and 2 pad 0; a kernel of 1 is not transposed. lanes_x is a power of
// two up to WORKGROUP, and is WORKGROUP with EDGES; without, GROUPS lanes_x >= width.
// Out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(ceil(blocks / (WORKGROUP / lanes_x)) * tiles_x * classes * blocks_c), blocks = N depth
// blocks_y, blocks_y = ceil(height / TILE_Y), blocks_c = ceil(Co / TILE_C), classes = 8 if transposed, else 1.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import storagePair

struct Params {
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  // Positions v along the axes.
  depth: i32, height: i32,
  blocks: i32, blocks_y: i32,
  tiles_x: u32, blocks_c: u32, classes: u32,
  lanes_x: i32,
  in_step: i32, out_step: i32, pad: i32,
  weight_tap: i32, weight_in: i32, weight_out: i32,
  has_bias: u32, has_addend: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> addend: array<StoredY>;
@group(0) @binding(5) var<storage, read_write> y: array<StoredY>;

const RUNS = TILE_C / WORKGROUP;
#let RUNS = TILE_C / WORKGROUP
// The column right of a lane's.
#let RIGHT = GROUPS + 1
// Vectors of a lane that hold what lies beyond the block's end.
#let EDGE_VECTORS = (TILE_Y + 1 + WORKGROUP - 1) / WORKGROUP
// An axis has loops of its own for classes whose numbers of taps differ.
#let LOOPS = 1 + (KERNEL == 3)

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
  let transposed = params.classes > 1u;
  let class_index = i32((index / params.blocks_c) % params.classes);
  let tile_xyz = index / (params.blocks_c * params.classes);
  let tile = i32(tile_xyz / params.tiles_x);
  if (tile * (WORKGROUP / lanes_x) >= params.blocks) {
    return;
  }
  let block = tile * (WORKGROUP / lanes_x) + lane / lanes_x;
  let plane = block / params.blocks_y;
  let n = plane / params.depth;
  let vz = plane % params.depth;
  let vy = (block % params.blocks_y) * TILE_Y;
  let tile_x = i32(tile_xyz % params.tiles_x) * GROUPS * lanes_x;
  let vx = tile_x + lane_x * GROUPS;
  let co0 = i32(index % params.blocks_c) * TILE_C;
  let weight_lane = (co0 + lane) * params.weight_out;

  // Of a transposed convolution: the workgroup's class, its first v (0 or 1), and its first output.
  let class_z = class_index >> 2;
  let class_y = (class_index >> 1) & 1;
  let class_x = class_index & 1;
  let first_z = (params.pad + 1 - class_z) >> 1;
  let first_y = (params.pad + 1 - class_y) >> 1;
  let first_x = (params.pad + 1 - class_x) >> 1;
  let out_z = select(0, 2 * first_z + class_z - params.pad, transposed);
  let out_y = select(0, 2 * first_y + class_y - params.pad, transposed);
  let out_x = select(0, 2 * first_x + class_x - params.pad, transposed);

  // The lanes left and right of this one in its row, around the end.
  let lane_left = u32(lane - lane_x + (lane_x + lanes_x - 1) % lanes_x);
  let lane_right = u32(lane - lane_x + (lane_x + 1) % lanes_x);
  let is_first = lane_x == 0;
  let is_last = lane_x == lanes_x - 1;

#for q in 0..RUNS
  let lane_bias_${q} = select(0.0, bias[u32(co0 + lane + ${q*WORKGROUP})], params.has_bias != 0u);
#endfor
#for c in 0..TILE_C
  let bias_${c} = subgroupShuffle(lane_bias_${c/WORKGROUP}, ${c%WORKGROUP}u);
#for j in 0..TILE_Y
#for g in 1..RIGHT
  var acc_${j}_${g}_${c} = bias_${c};
#endfor
#endfor
#endfor

  // s = 4 kz + 2 (class along y) + (class along x). Classes of the same number of taps share a loop: all of an even
  // kernel; of a kernel of 3, those along y of class a and along x of class b have a loop of their own.
#for a in 0..LOOPS
#for b in 0..LOOPS
#let taps_y = (KERNEL + 1 - a) / 2
#let taps_x = (KERNEL + 1 - b) / 2
#let rows = TILE_Y + taps_y - 1
  let is_class_${a}_${b} = !transposed || KERNEL % 2 == 0 || (class_y == ${a} && class_x == ${b});
  for (
    var s = select(${2*a+b}, class_index, transposed);
    s < select(0, 4 * KERNEL, is_class_${a}_${b});
    s += select(1 + KERNEL % 2 * 3, 8, transposed)
  ) {
    let kz = s >> 2;
    let c_y = (s >> 1) & 1;
    let c_x = s & 1;
    // Of two taps along x the second of class 0 and the first of class 1 meet the lane's own column.
    let own = select(0, 1 - c_x, ${taps_x} == 2);
    let iz = select(params.in_step * vz - params.pad + kz, vz + first_z - (kz >> 1), transposed);
    let iy = params.in_step * vy + select(c_y - params.pad, first_y - ${taps_y-1}, transposed);
    let shift_x = select(c_x - params.pad + 2 * own, 0, transposed);
    let ix = params.in_step * vx + shift_x;
    let is_left = (c_x == 1) == transposed;
    let plane_ok = block < params.blocks && iz >= 0 && iz < params.in_d;
    let row = (n * params.in_d + iz) * params.in_h + iy;
#for r in 0..rows
    let row_ok_${r} = plane_ok && iy + ${r} * params.in_step >= 0 && iy + ${r} * params.in_step < params.in_h;
    let at_${r} = ((row + ${r} * params.in_step) * params.in_w + ix) * params.in_c;
#endfor
#for g in 1..RIGHT
    let column_ok_${g} = ix + ${g-1} * params.in_step >= 0 && ix + ${g-1} * params.in_step < params.in_w;
#endfor
#for t in 0..taps_y
    let tap_${t} = (kz * KERNEL + c_y + 2 * select(${t}, ${taps_y-1-t}, transposed)) * KERNEL + c_x;
#for k in 0..taps_x
    let weight_${t}_${k} = weight_lane + (tap_${t} + 2 * select(own, 1 - own, ${k} == 1)) * params.weight_tap;
#endfor
#endfor
#ifdef EDGES
    let edge_x = params.in_step * select(tile_x + GROUPS * lanes_x, tile_x - 1, is_left) + shift_x;
#for h in 0..EDGE_VECTORS
    let edge_y_${h} = (lane + ${h*WORKGROUP}) * params.in_step;
    let edge_ok_${h} = plane_ok && edge_x >= 0 && edge_x < params.in_w &&
      iy + edge_y_${h} >= 0 && iy + edge_y_${h} < params.in_h;
    let edge_at_${h} = ((row + edge_y_${h}) * params.in_w + edge_x) * params.in_c;
#endfor
#endif
    let channels = select(0, params.in_c, subgroupAny(plane_ok));
    for (var ci = 0; ci < channels; ci++) {
#for t in 0..taps_y
#for k in 0..taps_x
#for q in 0..RUNS
      let lane_weight_${q}_${t}_${k} =
        weight[u32(weight_${t}_${k} + ci * params.weight_in + ${q*WORKGROUP} * params.weight_out)];
#endfor
#endfor
#endfor
#if defined(EDGES) && taps_x == 2
#for h in 0..EDGE_VECTORS
      let edge_${h} = select(0.0, f32(x[u32(edge_at_${h} + ci)]), edge_ok_${h});
#endfor
#endif
#for r in 0..rows
#for g in 1..RIGHT
      let x_${r}_${g}_0 = select(
        0.0,
        f32(x[u32(at_${r} + ${g-1} * params.in_step * params.in_c + ci)]),
        row_ok_${r} && column_ok_${g},
      );
#endfor
#if taps_x == 2
#ifdef EDGES
      let end_${r} = subgroupShuffle(edge_${r/WORKGROUP}, ${r%WORKGROUP}u);
#else
      let end_${r} = 0.0;
#endif
      let x_${r}_0_0 = select(subgroupShuffle(x_${r}_${GROUPS}_0, lane_left), end_${r}, is_first);
      let x_${r}_${RIGHT}_0 = select(subgroupShuffle(x_${r}_1_0, lane_right), end_${r}, is_last);
#for g in 1..RIGHT
      let x_${r}_${g}_1 = select(x_${r}_${g+1}_0, x_${r}_${g-1}_0, is_left);
#endfor
#endif
#endfor
#for c in 0..TILE_C
#for t in 0..taps_y
#for k in 0..taps_x
      let w_${c}_${t}_${k} = subgroupShuffle(lane_weight_${c/WORKGROUP}_${t}_${k}, ${c%WORKGROUP}u);
#endfor
#endfor
#for j in 0..TILE_Y
#for g in 1..RIGHT
#for t in 0..taps_y
#for k in 0..taps_x
      acc_${j}_${g}_${c} = fma(x_${j+t}_${g}_${k}, w_${c}_${t}_${k}, acc_${j}_${g}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
    }
  }
#endfor
#endfor

  // Through an array and loops of unknown length (a known one is unrolled) over runs of channels, so that the shader
  // has few stores: each takes long to compile. The inner index is a constant, so that the compiler splits the array.
  // Stores without an addend have a loop of their own, as a branch that is not taken costs its loads.
  var outputs: array<array<f32, WORKGROUP>, TILE_Y * GROUPS * RUNS>;
#for j in 0..TILE_Y
#for g in 1..RIGHT
#for c in 0..TILE_C
#let at = (j*GROUPS + g - 1)*TILE_C + c
  outputs[${at/WORKGROUP}][${at%WORKGROUP}] = acc_${j}_${g}_${c};
#endfor
#endfor
#endfor
  let oz = params.out_step * vz + out_z;
  let positions = select(0, min(TILE_Y, params.height - vy) * GROUPS, block < params.blocks && oz < params.out_d);
  let has_addend = params.has_addend != 0u;
#for added in 0..2
  for (var run = 0; run < select(0, positions * RUNS, has_addend == (${added} == 1)); run++) {
    let oy = params.out_step * (vy + run / (RUNS * GROUPS)) + out_y;
    let ox = params.out_step * (vx + run / RUNS % GROUPS) + out_x;
    if (oy < params.out_h && ox < params.out_w) {
      let co = co0 + run % RUNS * WORKGROUP;
      let at = (((n * params.out_d + oz) * params.out_h + oy) * params.out_w + ox) * params.out_c + co;
#for c in 0..WORKGROUP
      if (co + ${c} < params.out_c) {
        var value = outputs[run][${c}];
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
