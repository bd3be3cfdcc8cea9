// Convolutions by the phases of their positions (polyphase), for adapters with subgroups of one known, small size
// (software ones): stride 2, its transpose, and kernels of 1. The sums are those of conv3d.wgsl and
// convTranspose3d.wgsl, loads and lanes as in conv3dRows.wgsl.
//
// Along an axis a tap k is of phase c = k mod 2, its j-th being k = c + 2 j; a phase has at most two. Outputs o are
// counted by v, with v and the inputs i of a phase a distance of one or two apart:
//
//   strided:     o = v,                     i = inStep v - pad + c + 2 j, each output meets all phases;
//   transposed:  o + pad = 2 (v + v0) + c,  i = v + v0 - j,              each output meets one, v0 so that o >= 0.
//
// Either way this is a sum over phases of stride-1 convolutions of one or two taps an axis, and of the two taps along
// x one meets i of the lane's own column, the other that of its neighbour. As a GEMM:
// M = positions v, N = Co, K = taps Ci; transposed, one such for each of 8 phases.
//
// A workgroup is one subgroup of WORKGROUP lanes, of which lanesX lie along x. Positions come in blocks of TILE_Y rows
// of a plane, counted over y and then over the planes n depth + z; each row of lanes has a block of its own. A lane
// computes TILE_Y rows of GROUPS neighbouring columns for TILE_C channels. With EDGES a block is narrower than the
// grid: what lies beyond its end is loaded together, by a lane for each row. Lane l loads the weights of channel l of
// every WORKGROUP, and spreads them by shuffles (see conv3dRows.wgsl).
//
// The weight of (k, ci, co) lies at k weightTap + ci weightIn + co weightOut. Other operands: shared/convOperands.wgsl.
//
// Constants: KERNEL, GROUPS, TILE_Y, TILE_C, WORKGROUP = the subgroup size, which divides TILE_C; EDGES; X_F16, Y_F16.
// Host: kernels of 3 and 4 have pad 1, those of 1 and 2 pad 0; a kernel of 1 is not transposed. lanesX is a power of
// two up to WORKGROUP, and is WORKGROUP with EDGES; without, GROUPS lanesX >= width.
// Out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(ceil(blocks / (WORKGROUP / lanesX)) * tilesX * phases * blocksC), blocks = N depth
// blocksY, blocksY = ceil(height / TILE_Y), blocksC = ceil(Co / TILE_C), phases = 8 if transposed, else 1.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import convOperands

struct Params {
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  // Positions v along the axes.
  depth: i32, height: i32,
  blocks: i32, blocksY: i32,
  tilesX: i32, blocksC: i32, phases: i32,
  lanesX: i32,
  inStep: i32, outStep: i32, pad: i32,
  weightTap: i32, weightIn: i32, weightOut: i32,
  hasBias: i32, hasAddend: i32,
}

#let RUNS = TILE_C / WORKGROUP
// The column right of a lane's.
#let RIGHT = GROUPS + 1
// Vectors of a lane that hold what lies beyond the block's end.
#let EDGE_VECTORS = (TILE_Y + 1 + WORKGROUP - 1) / WORKGROUP
// An axis has loops of its own for phases whose numbers of taps differ.
#let LOOPS = 1 + (KERNEL == 3)

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let index = i32(linear_workgroup(wid, num));
  let lane = i32(subgroup_lane);
  let lanes_x = params.lanesX;
  let lane_x = lane % lanes_x;
  let transposed = params.phases > 1;
  let phase = index / params.blocksC % params.phases;
  let tile_xyz = index / (params.blocksC * params.phases);
  let tile = tile_xyz / params.tilesX;
  if (tile * (WORKGROUP / lanes_x) >= params.blocks) {
    return;
  }
  let block = tile * (WORKGROUP / lanes_x) + lane / lanes_x;
  let plane = block / params.blocksY;
  let n = plane / params.depth;
  let vz = plane % params.depth;
  let vy = (block % params.blocksY) * TILE_Y;
  let tile_x = tile_xyz % params.tilesX * GROUPS * lanes_x;
  let vx = tile_x + lane_x * GROUPS;
  let co0 = index % params.blocksC * TILE_C;
  let weight_lane = (co0 + lane) * params.weightOut;

  // Of a transposed convolution: the workgroup's phase, its first v (0 or 1), and its first output.
  let phase_z = phase >> 2;
  let phase_y = (phase >> 1) & 1;
  let phase_x = phase & 1;
  let first_z = (params.pad + 1 - phase_z) >> 1;
  let first_y = (params.pad + 1 - phase_y) >> 1;
  let first_x = (params.pad + 1 - phase_x) >> 1;
  let out_z = select(0, 2 * first_z + phase_z - params.pad, transposed);
  let out_y = select(0, 2 * first_y + phase_y - params.pad, transposed);
  let out_x = select(0, 2 * first_x + phase_x - params.pad, transposed);

  // The lanes left and right of this one in its row, around the end.
  let lane_left = u32(lane - lane_x + (lane_x + lanes_x - 1) % lanes_x);
  let lane_right = u32(lane - lane_x + (lane_x + 1) % lanes_x);
  let is_first = lane_x == 0;
  let is_last = lane_x == lanes_x - 1;

#for q in 0..RUNS
  let lane_bias_${q} = load_bias(co0 + lane + ${q*WORKGROUP});
#endfor
#for c in 0..TILE_C
  let bias_${c} = subgroupShuffle(lane_bias_${c/WORKGROUP}, ${c%WORKGROUP}u);
#for j in 0..TILE_Y
#for g in 1..RIGHT
  var acc_${j}_${g}_${c} = bias_${c};
#endfor
#endfor
#endfor

  // s = 4 kz + 2 (phase along y) + (phase along x). Phases of the same number of taps share a loop: all of an even
  // kernel; of a kernel of 3, those along y of phase a and along x of phase b have a loop of their own.
#for a in 0..LOOPS
#for b in 0..LOOPS
#let taps_y = (KERNEL + 1 - a) / 2
#let taps_x = (KERNEL + 1 - b) / 2
#let rows = TILE_Y + taps_y - 1
  let is_phase_${a}_${b} = !transposed || KERNEL % 2 == 0 || (phase_y == ${a} && phase_x == ${b});
  for (
    var s = select(${2*a+b}, phase, transposed);
    s < select(0, 4 * KERNEL, is_phase_${a}_${b});
    s += select(1 + KERNEL % 2 * 3, 8, transposed)
  ) {
    let kz = s >> 2;
    let c_y = (s >> 1) & 1;
    let c_x = s & 1;
    // Of two taps along x the second of phase 0 and the first of phase 1 meet the lane's own column.
    let own = select(0, 1 - c_x, ${taps_x} == 2);
    let iz = select(params.inStep * vz - params.pad + kz, vz + first_z - (kz >> 1), transposed);
    let iy = params.inStep * vy + select(c_y - params.pad, first_y - ${taps_y-1}, transposed);
    let shift_x = select(c_x - params.pad + 2 * own, 0, transposed);
    let ix = params.inStep * vx + shift_x;
    let is_left = (c_x == 1) == transposed;
    let plane_ok = block < params.blocks && iz >= 0 && iz < params.inD;
    let row = (n * params.inD + iz) * params.inH + iy;
#for r in 0..rows
    let row_ok_${r} = plane_ok && iy + ${r} * params.inStep >= 0 && iy + ${r} * params.inStep < params.inH;
    let at_${r} = ((row + ${r} * params.inStep) * params.inW + ix) * params.inC;
#endfor
#for g in 1..RIGHT
    let column_ok_${g} = ix + ${g-1} * params.inStep >= 0 && ix + ${g-1} * params.inStep < params.inW;
#endfor
#for t in 0..taps_y
    let tap_${t} = (kz * KERNEL + c_y + 2 * select(${t}, ${taps_y-1-t}, transposed)) * KERNEL + c_x;
#for k in 0..taps_x
    let weight_${t}_${k} = weight_lane + (tap_${t} + 2 * select(own, 1 - own, ${k} == 1)) * params.weightTap;
#endfor
#endfor
#ifdef EDGES
    let edge_x = params.inStep * select(tile_x + GROUPS * lanes_x, tile_x - 1, is_left) + shift_x;
#for h in 0..EDGE_VECTORS
    let edge_y_${h} = (lane + ${h*WORKGROUP}) * params.inStep;
    let edge_ok_${h} = plane_ok && edge_x >= 0 && edge_x < params.inW &&
      iy + edge_y_${h} >= 0 && iy + edge_y_${h} < params.inH;
    let edge_at_${h} = ((row + edge_y_${h}) * params.inW + edge_x) * params.inC;
#endfor
#endif
    let channels = select(0, params.inC, subgroupAny(plane_ok));
    for (var ci = 0; ci < channels; ci++) {
#for t in 0..taps_y
#for k in 0..taps_x
#for q in 0..RUNS
      let lane_weight_${q}_${t}_${k} =
        weight[u32(weight_${t}_${k} + ci * params.weightIn + ${q*WORKGROUP} * params.weightOut)];
#endfor
#endfor
#endfor
#if defined(EDGES) && taps_x == 2
#for h in 0..EDGE_VECTORS
      let edge_${h} = load_x(edge_at_${h} + ci, edge_ok_${h});
#endfor
#endif
#for r in 0..rows
#for g in 1..RIGHT
      let x_${r}_${g}_0 = load_x(at_${r} + ${g-1} * params.inStep * params.inC + ci, row_ok_${r} && column_ok_${g});
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

  // See convOperands.wgsl. A run is of channels.
  var outputs: array<array<f32, WORKGROUP>, TILE_Y * GROUPS * ${RUNS}>;
#for j in 0..TILE_Y
#for g in 1..RIGHT
#for c in 0..TILE_C
#let at = (j*GROUPS + g - 1)*TILE_C + c
  outputs[${at/WORKGROUP}][${at%WORKGROUP}] = acc_${j}_${g}_${c};
#endfor
#endfor
#endfor
  let oz = params.outStep * vz + out_z;
  let positions = select(0, min(TILE_Y, params.height - vy) * GROUPS, block < params.blocks && oz < params.outD);
  let has_addend = params.hasAddend != 0;
#for added in 0..2
  for (var run = 0; run < select(0, positions * ${RUNS}, has_addend == (${added} == 1)); run++) {
    let oy = params.outStep * (vy + run / (${RUNS} * GROUPS)) + out_y;
    let ox = params.outStep * (vx + run / ${RUNS} % GROUPS) + out_x;
    if (oy < params.outH && ox < params.outW) {
      let co = co0 + run % ${RUNS} * WORKGROUP;
      let at = (((n * params.outD + oz) * params.outH + oy) * params.outW + ox) * params.outC + co;
#for c in 0..WORKGROUP
      if (co + ${c} < params.outC) {
        store_${added}(at + ${c}, outputs[run][${c}]);
      }
#endfor
    }
  }
#endfor
}
