// 3x3x3 convolution of stride 1 and padding 1 for adapters with subgroups of one known, small size (software ones):
// the sums of conv3d.wgsl,
//
//   y[n, o, co] = bias[co] + addend[n, o, co] + sum over k, ci of x[n, o - 1 + k, ci] weight[k, ci, co]
//
// with few loads. There a load from a buffer is a branch and a bounds check for each lane, as much work as some fifty
// multiply-adds; one from a private array a sixth of that; a shuffle is one instruction. So the inputs are loaded
// once, into a private array, for all output channels. The loop must stay below 32 KB for the processor's instruction
// cache. As a GEMM: M = N D H W positions, N = Co, K = 27 Ci.
//
// Along z and y the sums are Winograd's (arXiv 1509.09308): F(2, 3), two outputs from four inputs in four
// multiply-adds for six, and F(4, 3) of shared/winograd.wgsl; together a third of the direct sums. Along z, with the
// points 0, 1, -1 and infinity, y = A^T (G w * B^T x):
//
//   B^T = 1  0 -1  0      G = 1    0    0      A^T = 1  1  1  0
//         0  1  1  0          1/2  1/2  1/2          0  1 -1 -1
//         0 -1  1  0          1/2 -1/2  1/2
//         0  1  0 -1          0    0    1
//
// conv3dRowsWeight.wgsl has applied G along z to the weights. A row of B^T along z has two terms and is applied where
// the inputs are read; A^T along z after each point's sums. A value that is not finite spreads over its tile, four rows
// of two planes.
//
// A workgroup is one subgroup of WORKGROUP lanes, of which lanesX lie along x. Outputs come in blocks of TILE_Y rows
// of two planes, in stacks of up to pairs blocks along z, which are counted over y, then along z, then over n; each
// row of lanes has a stack of its own. A lane computes TILE_Y rows of GROUPS columns, lanesX apart, for TILE_C
// channels at a time. What lies left and right of a column comes by shuffles. With EDGES a block is narrower than the
// grid: what lies beyond its ends is loaded together, by a lane for each row and side. Lane l loads the weights of
// channel l of every WORKGROUP, transforms and spreads them: by subgroupShuffle from a fixed lane, mostly one
// instruction on lavapipe, where subgroupBroadcast takes three. More than CHANNELS input channels are summed in
// parts, each of which adds to what y (with Y_F16: sums) holds.
//
// Bindings: those of shared/convOperands.wgsl, weight [4, 3, 3, Ci, Co] being that of conv3dRowsWeight.wgsl; sums (as
// y, in f32; only with Y_F16) is used only where Ci > CHANNELS.
//
// Constants: GROUPS, TILE_Y (a multiple of 4), TILE_C, WORKGROUP = the subgroup size, which divides TILE_C; CHANNELS;
// EDGES; X_F16, Y_F16.
// Host: lanesX is a power of two up to WORKGROUP, and is WORKGROUP with EDGES; without, GROUPS lanesX >= W. A
// workgroup makes tilesC tiles of TILE_C channels.
// Out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(ceil(stacks / (WORKGROUP / lanesX)) * tilesX * blocksC), blocksY = ceil(H / TILE_Y),
// stacks = N ceil(D / (2 pairs)) blocksY, blocksC = ceil(Co / (TILE_C tilesC)).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import convOperands
#import winograd

struct Params {
  depth: i32, height: i32, width: i32,
  inC: i32, outC: i32,
  stacks: i32, blocksY: i32,
  tilesX: i32, blocksC: i32,
  tilesC: i32,
  pairs: i32,
  lanesX: i32,
  hasBias: i32, hasAddend: i32,
}

#ifdef Y_F16
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;
#endif

const PLANE = TILE_Y * GROUPS * TILE_C;
#let RUNS = TILE_C / WORKGROUP
// Rows of inputs of a block.
#let ROWS = TILE_Y + 2
// The column right of a lane's: the right edge, as column 0 is the left one.
#let RIGHT = GROUPS + 1
// Vectors of a lane that hold what lies beyond the block's ends.
#let EDGE_VECTORS = (2*TILE_Y + 4 + WORKGROUP - 1) / WORKGROUP
// Vectors of a lane for each input channel of a plane: its columns, and what lies beyond the block's ends.
#let COLUMNS = ROWS*GROUPS
#let KEPT = COLUMNS + EDGE_VECTORS
// Winograd's tiles along y, and their points.
#let TILES = TILE_Y / 4
#let POINTS = 6 * TILES

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
  let tile = index / (params.blocksC * params.tilesX);
  if (tile * (WORKGROUP / lanes_x) >= params.stacks) {
    return;
  }
  let stack = tile * (WORKGROUP / lanes_x) + lane / lanes_x;
  let stack_z = stack / params.blocksY;
  let stacks_z = (params.depth + 2 * params.pairs - 1) / (2 * params.pairs);
  let oz_begin = stack_z % stacks_z * params.pairs * 2;
  let plane_begin = stack_z / stacks_z * params.depth + oz_begin;
  let oy = (stack % params.blocksY) * TILE_Y;
  let tile_x = index / params.blocksC % params.tilesX * GROUPS * lanes_x;
  let ox = tile_x + lane_x;
  let co_begin = index % params.blocksC * TILE_C * params.tilesC;
  let co_end = min(co_begin + TILE_C * params.tilesC, params.outC);

  // The lanes left and right of this one in its row, around the end.
  let lane_left = u32(lane - lane_x + (lane_x + lanes_x - 1) % lanes_x);
  let lane_right = u32(lane - lane_x + (lane_x + 1) % lanes_x);
  let is_first = lane_x == 0;
  let is_last = lane_x == lanes_x - 1;
#for g in 1..RIGHT
  let column_ok_${g} = stack < params.stacks && ox + ${g-1} * lanes_x < params.width;
#endfor
#ifdef EDGES
#for h in 0..EDGE_VECTORS
  let edge_y_${h} = oy - 1 + ${h*WORKGROUP/2} + lane / 2;
  let edge_x_${h} = select(tile_x - 1, tile_x + GROUPS * lanes_x, lane % 2 == 1);
  let edge_ok_${h} = edge_x_${h} >= 0 && edge_x_${h} < params.width
    && edge_y_${h} >= 0 && edge_y_${h} < params.height;
#endfor
#endif

  // Inner indices are always constants, so that the compiler splits arrays, one for each: one long one compiles slowly.
  // Two slots more keep the parts of `kept` from lying a page apart, of which a cache holds few at the same place.
  var outputs: array<array<f32, WORKGROUP>, 2 * PLANE / WORKGROUP>;
  var kept: array<array<f32, ${KEPT}>, 4 * CHANNELS + 2>;
  for (var first = 0; first < params.inC; first += CHANNELS) {
    let count = min(CHANNELS, params.inC - first);
    let has_addend = first == 0 && params.hasAddend != 0;
    for (var pair = 0; pair < params.pairs; pair++) {
      let oz = oz_begin + 2 * pair;
      let plane = plane_begin + 2 * pair;

      // Two of the planes before are the first two of these. Plane kz lies at slots (kz + 2 pair) % 4 CHANNELS and on.
      for (var kz = select(2, 0, pair == 0); kz < 4; kz++) {
        let iz = oz - 1 + kz;
        let plane_ok = iz >= 0 && iz < params.depth;
        let row = (plane + kz - 1) * params.height - 1;
#for r in 0..ROWS
        let row_ok_${r} = plane_ok && oy + ${r} >= 1 && oy + ${r} <= params.height;
        let at_${r} = ((row + oy + ${r}) * params.width + ox) * params.inC + first;
#endfor
#ifdef EDGES
#for h in 0..EDGE_VECTORS
        let edge_at_${h} = ((row + 1 + edge_y_${h}) * params.width + edge_x_${h}) * params.inC + first;
#endfor
#endif
        for (var ci = 0; ci < count; ci++) {
          let slot = (kz + 2 * pair) % 4 * CHANNELS + ci;
#for r in 0..ROWS
#for g in 1..RIGHT
#let column = r*GROUPS + g - 1
          kept[slot][${column}] = load_x(at_${r} + ${g-1} * lanes_x * params.inC + ci, row_ok_${r} && column_ok_${g});
#endfor
#endfor
#ifdef EDGES
#for h in 0..EDGE_VECTORS
          kept[slot][${COLUMNS+h}] = load_x(edge_at_${h} + ci, plane_ok && edge_ok_${h});
#endfor
#endif
        }
      }

      for (var co0 = co_begin; co0 < co_end; co0 += TILE_C) {
#for q in 0..RUNS
        let lane_bias_${q} = select(0.0, load_bias(co0 + lane + ${q*WORKGROUP}), first == 0);
#endfor
#for c in 0..TILE_C
        {
          let bias_c = subgroupShuffle(lane_bias_${c/WORKGROUP}, ${c%WORKGROUP}u);
#for i in 0..2*TILE_Y*GROUPS
          outputs[${(i*TILE_C+c)/WORKGROUP}][${c%WORKGROUP}] = bias_c;
#endfor
        }
#endfor

        for (var mz = 0; mz < 4; mz++) {
          // The row of B^T, kept[slot] + sign kept[other], and the column of A^T.
          let slot0 = (select(mz, 1, mz == 3) + 2 * pair) % 4 * CHANNELS;
          let other0 = (select(select(2, 1, mz == 2), 3, mz == 3) + 2 * pair) % 4 * CHANNELS;
          let sign = select(-1.0, 1.0, mz == 1);
          let to_0 = select(1.0, 0.0, mz == 3);
          let to_1 = select(select(-1.0, 1.0, mz == 1), 0.0, mz == 0);
          let weight0 = (mz * 9 * params.inC + first) * params.outC + co0 + lane;
          let weight_tap = params.inC * params.outC;
#for c in 0..TILE_C
#for m in 0..POINTS
#for g in 1..RIGHT
          var acc_${m}_${g}_${c} = 0.0;
#endfor
#endfor
#endfor

          for (var ci = 0; ci < count; ci++) {
            let slot = slot0 + ci;
            let other = other0 + ci;
            let weight_at = weight0 + ci * params.outC;
#for t in 0..9
#for q in 0..RUNS
            let lane_weight_${q}_${t} = weight[u32(weight_at + ${t} * weight_tap + ${q*WORKGROUP})];
#endfor
#endfor
#ifdef EDGES
#for h in 0..EDGE_VECTORS
            let edge_${h} = kept[slot][${COLUMNS+h}] + sign * kept[other][${COLUMNS+h}];
#endfor
#endif
            // B^T comes before the shuffles: then there are fewer rows.
#for r in 0..ROWS
#ifdef EDGES
            let x_${r}_0 = subgroupShuffle(edge_${2*r/WORKGROUP}, ${2*r%WORKGROUP}u);
            let x_${r}_${RIGHT} = subgroupShuffle(edge_${2*r/WORKGROUP}, ${2*r%WORKGROUP+1}u);
#else
            let x_${r}_0 = 0.0;
            let x_${r}_${RIGHT} = 0.0;
#endif
#for g in 1..RIGHT
#let column = r*GROUPS + g - 1
            let x_${r}_${g} = kept[slot][${column}] + sign * kept[other][${column}];
#endfor
#endfor
#for g in 0..RIGHT+1
#for j in 0..TILES
            let v_${j}_${g} = input_points(array<f32, 6>(
              x_${4*j}_${g}, x_${4*j+1}_${g}, x_${4*j+2}_${g}, x_${4*j+3}_${g}, x_${4*j+4}_${g}, x_${4*j+5}_${g},
            ));
#for m in 0..6
            let v_${6*j+m}_${g}_1 = v_${j}_${g}[${m}];
#endfor
#endfor
#endfor
#for m in 0..POINTS
            let left_${m}_0 = v_${m}_0_1;
            let right_${m}_${RIGHT} = v_${m}_${RIGHT}_1;
#for g in 1..RIGHT
            let left_${m}_${g} = subgroupShuffle(v_${m}_${g}_1, lane_left);
            let right_${m}_${g} = subgroupShuffle(v_${m}_${g}_1, lane_right);
#endfor
#for g in 1..RIGHT
            let v_${m}_${g}_0 = select(left_${m}_${g}, left_${m}_${g-1}, is_first);
            let v_${m}_${g}_2 = select(right_${m}_${g}, right_${m}_${g+1}, is_last);
#endfor
#endfor
#for q in 0..RUNS
#for k in 0..3
            let u_${q}_${k} = weight_points(
              array<f32, 3>(lane_weight_${q}_${k}, lane_weight_${q}_${3+k}, lane_weight_${q}_${6+k}),
            );
#endfor
#endfor
#for c in 0..TILE_C
#for m in 0..6
#for k in 0..3
            let w_${c}_${m}_${k} = subgroupShuffle(u_${c/WORKGROUP}_${k}[${m}], ${c%WORKGROUP}u);
#endfor
#endfor
#for j in 0..TILES
#for m in 0..6
#let point = 6*j + m
#for g in 1..RIGHT
#for k in 0..3
            acc_${point}_${g}_${c} = fma(v_${point}_${g}_${k}, w_${c}_${m}_${k}, acc_${point}_${g}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
          }

#for j in 0..TILES
#for g in 1..RIGHT
#for c in 0..TILE_C
          {
            let o = four_outputs(array<f32, 6>(
              acc_${6*j}_${g}_${c}, acc_${6*j+1}_${g}_${c}, acc_${6*j+2}_${g}_${c},
              acc_${6*j+3}_${g}_${c}, acc_${6*j+4}_${g}_${c}, acc_${6*j+5}_${g}_${c},
            ));
#for i in 0..4
#for z in 0..2
#let at = ((4*j + i)*GROUPS + g - 1)*TILE_C + c
            outputs[${z} * PLANE / WORKGROUP + ${at/WORKGROUP}][${at%WORKGROUP}] += to_${z} * o[${i}];
#endfor
#endfor
          }
#endfor
#endfor
#endfor
        }

        // See convOperands.wgsl. Plain stores (rest = 0) have a loop of their own.
        let is_plain = params.inC <= CHANNELS && !has_addend;
        let planes = select(0, clamp(params.depth - oz, 0, 2), stack < params.stacks);
        let runs = planes * TILE_Y * GROUPS * ${RUNS};
#for rest in 0..2
        for (var run = select(0, runs, is_plain == (${rest} == 1)); run < runs; run++) {
          let co = co0 + run % ${RUNS} * WORKGROUP;
          let px = ox + run / ${RUNS} % GROUPS * lanes_x;
          let py = oy + run / (${RUNS} * GROUPS) % TILE_Y;
          if (px < params.width && py < params.height) {
            let plane_at = plane + run / (${RUNS} * GROUPS * TILE_Y);
            let at = ((plane_at * params.height + py) * params.width + px) * params.outC + co;
#for c in 0..WORKGROUP
            if (co + ${c} < params.outC) {
              var value = outputs[run][${c}];
#if rest
              if (has_addend) {
                value += f32(addend[u32(at + ${c})]);
              }
#ifdef Y_F16
              if (first > 0) {
                value += sums[u32(at + ${c})];
              }
              if (first + count < params.inC) {
                sums[u32(at + ${c})] = value;
              }
#else
              if (first > 0) {
                value += y[u32(at + ${c})];
              }
#endif
#endif
              y[u32(at + ${c})] = StoredY(value);
            }
#endfor
          }
        }
#endfor
      }
    }
  }
}
