// Gradient of a 3x3x3 convolution of stride 1 and padding 1 with respect to its weights, for adapters with subgroups of
// one known, small size (software ones): the sums of conv3dGradWeight.wgsl,
//
//   partial[s, k, ci, co] = sum over positions o of split s of x[n, o - 1 + k, ci] gradY[n, o, co]
//
// first of two passes (sumPartials.wgsl adds the splits in a fixed order). With accumulate = 1 there is one split, and
// `partial` is the gradient itself, added to what is there. As a GEMM: M = 27 Ci, N = Co, K = N D H W positions.
//
// There a load from a buffer costs as much as some fifty multiply-adds, one from a private array a sixth of that, and
// the loop must stay below 32 KB. So what a workgroup needs of x and gradY is loaded into private arrays first: gradY
// for TILES tiles of output channels, which serve all input channels, x for one tile of input channels, which serves
// these output channels and all kz. Along y and along x the sums are those of Winograd's F(4, 3) transposed (arXiv
// 1509.09308; the matrices are in shared/winograd.wgsl): nine taps of 4 x 4 positions and 6 x 6 inputs in 36
// multiply-adds for 144,
//
//   gradW = G'^T [sum over the rest of (A gradY A^T * B^T x B)] G'
//
// with A's scales moved behind the sum. Rounding errors are twice those of direct sums. A value that is not finite
// spreads to the nine taps of a plane. Points along y come in two parts of three, (0, 1, -1) and (infinity, 2, -2):
// sums of half the points for two tiles of output channels take as much room as those of all for one, and an input,
// spread once, serves both tiles.
//
// A workgroup is one subgroup of WORKGROUP lanes. It computes a split for tilesI tiles of WORKGROUP input channels and
// tilesO of output channels: lane l loads channel l of both; its output channel is its own, and the inputs are spread
// by subgroupShuffle from a fixed lane. A split is slabsPerSplit slabs: units of four rows of `planes` planes,
// counted over the bands of rows, then over n; slabs are counted along z, then over units. Columns come in groups of
// four, `groups` of them, an even number: a turn of the loop takes two.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, D, H, W, Co], partial [splits, 27, Ci, Co].
// Constants: WORKGROUP = the subgroup size; TILES, even; SLOTS_X >= units (planes + 2) groups,
// SLOTS_Y >= TILES units planes groups; X_F16, Y_F16: x, gradY are stored in half precision.
// Host: channels beyond Ci or Co are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(splits blocksI blocksO), blocksI = ceil(Ci / (WORKGROUP tilesI)), blocksO likewise.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import gradWeightOperands
#import winograd

struct Params {
  batch: i32, depth: i32, height: i32, width: i32,
  inC: i32, outC: i32,
  units: i32, planes: i32, groups: i32,
  bands: i32,           // ceil(H / 4)
  stacks: i32,          // ceil(D / planes)
  slabs: i32,           // ceil(N bands / units) stacks
  slabsPerSplit: i32,
  splits: i32,
  blocksI: i32, blocksO: i32,
  tilesI: i32, tilesO: i32,
  accumulate: i32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let index = i32(linear_workgroup(wid, num));
  let split = index / (params.blocksO * params.blocksI);
  if (split >= params.splits) {
    return;
  }
  let lane = i32(subgroup_lane);
  let ci_begin = index / params.blocksO % params.blocksI * params.tilesI * WORKGROUP;
  let ci_end = min(ci_begin + params.tilesI * WORKGROUP, params.inC);
  let co_begin = index % params.blocksO * params.tilesO * WORKGROUP;
  let co_end = min(co_begin + params.tilesO * WORKGROUP, params.outC);
  let slots_y = params.units * params.planes * params.groups;
  let split_at = split * 27 * params.inC * params.outC;

  // Inner indices are always constants, so that the compiler splits arrays, one for each. Of x: three points along y by
  // six along x of B^T x B; of gradY: three points along y of A gradY by four columns, which take less room. The slots
  // of the second part follow those of the first.
  var kept_x: array<array<f32, 18>, 2 * SLOTS_X>;
  var kept_y: array<array<f32, 12>, 2 * SLOTS_Y>;
  var sums: array<array<f32, WORKGROUP>, 2 * 9>;

  let slab_begin = split * params.slabsPerSplit;
  let slab_end = min(slab_begin + params.slabsPerSplit, params.slabs);
  for (var slab = slab_begin; slab < slab_end; slab++) {
    let oz = slab % params.stacks * params.planes;
    let unit0 = slab / params.stacks * params.units;
    let planes = min(params.planes, params.depth - oz);
    let units = min(params.units, params.batch * params.bands - unit0);

    for (var group = co_begin; group < co_end; group += TILES * WORKGROUP) {
      let group_end = min(group + TILES * WORKGROUP, co_end);
      for (var co0 = group; co0 < group_end; co0 += WORKGROUP) {
        var slot = (co0 - group) / WORKGROUP * slots_y;
        for (var p = 0; p < units * planes; p++) {
          let unit = unit0 + p / planes;
          let oy = unit % params.bands * 4;
          let plane = unit / params.bands * params.depth + oz + p % planes;
          let row_at = (plane * params.height + oy) * params.width;
          for (var q = 0; q < params.groups; q++) {
#for c in 0..4
#for j in 0..4
            let g_${j}_${c} = load_gradient(
              (row_at + ${j} * params.width + 4 * q + ${c}) * params.outC + co0 + lane,
              oy + ${j} < params.height && 4 * q + ${c} < params.width,
            );
#endfor
            let points_${c} = gradient_points(array<f32, 4>(g_0_${c}, g_1_${c}, g_2_${c}, g_3_${c}));
#for m in 0..6
            kept_y[${m/3} * SLOTS_Y + slot][${m%3*4+c}] = points_${c}[${m}];
#endfor
#endfor
            slot++;
          }
        }
      }

      for (var ci0 = ci_begin; ci0 < ci_end; ci0 += WORKGROUP) {
        var slot = 0;
        for (var p = 0; p < units * (planes + 2); p++) {
          let unit = unit0 + p / (planes + 2);
          let oy = unit % params.bands * 4;
          let iz = oz - 1 + p % (planes + 2);
          let plane_ok = iz >= 0 && iz < params.depth;
          let row = (unit / params.bands * params.depth + iz) * params.height + oy - 1;
#for r in 0..6
          let row_ok_${r} = plane_ok && oy + ${r} >= 1 && oy + ${r} <= params.height;
          let at_${r} = ((row + ${r}) * params.width - 1) * params.inC + ci0 + lane;
#endfor
          // A row begins with a column of zeros. Two columns are carried over to the next group.
          var column_0 = array<f32, 6>();
#for r in 0..6
          let x_${r}_1 = load_x(at_${r} + params.inC, row_ok_${r});
#endfor
          var column_1 = input_points(array<f32, 6>(x_0_1, x_1_1, x_2_1, x_3_1, x_4_1, x_5_1));
          for (var q = 0; q < params.groups; q++) {
#for c in 2..6
            let ix_${c} = 4 * q + ${c};
#for r in 0..6
            let x_${r}_${c} = load_x(at_${r} + ix_${c} * params.inC, row_ok_${r} && ix_${c} <= params.width);
#endfor
            let column_${c} = input_points(
              array<f32, 6>(x_0_${c}, x_1_${c}, x_2_${c}, x_3_${c}, x_4_${c}, x_5_${c}),
            );
#endfor
#for m in 0..6
            let points_${m} = input_points(array<f32, 6>(
              column_0[${m}], column_1[${m}], column_2[${m}], column_3[${m}], column_4[${m}], column_5[${m}],
            ));
#for k in 0..6
            kept_x[${m/3} * SLOTS_X + slot][${m%3*6+k}] = points_${m}[${k}];
#endfor
#endfor
            column_0 = column_4;
            column_1 = column_5;
            slot++;
          }
        }

        for (var co0 = group; co0 < group_end; co0 += 2 * WORKGROUP) {
          for (var kz = 0; kz < 3; kz++) {
            // Not where the plane of x lies outside the grid.
            let p_begin = select(0, 1, kz == 0 && oz == 0);
            let p_end = planes - select(0, 1, kz == 2 && oz + planes == params.depth);
            for (var part = 0; part < 2; part++) {
#for b in 0..2
#for m in 0..3
#for k in 0..6
#for i in 0..WORKGROUP
              var acc_${b}_${m}_${k}_${i} = 0.0;
#endfor
#endfor
#endfor
#endfor
              for (var unit = 0; unit < units; unit++) {
                slot = part * SLOTS_Y + (co0 - group) / WORKGROUP * slots_y + (unit * planes + p_begin) * params.groups;
                var slot_x = part * SLOTS_X + (unit * (planes + 2) + p_begin + kz) * params.groups;
                let slot_end = slot_x + (p_end - p_begin) * params.groups;
                for (; slot_x < slot_end; slot_x += 2) {
#for m in 0..3
#for q in 0..2
#for b in 0..2
#for c in 0..4
                  let g_${q}_${b}_${m}_${c} = kept_y[slot + ${b} * slots_y + ${q}][${4*m+c}];
#endfor
                  let d_${q}_${b}_${m} = gradient_points(
                    array<f32, 4>(g_${q}_${b}_${m}_0, g_${q}_${b}_${m}_1, g_${q}_${b}_${m}_2, g_${q}_${b}_${m}_3),
                  );
#endfor
#endfor
#for k in 0..6
#for q in 0..2
                  let v_${q}_${m}_${k} = kept_x[slot_x + ${q}][${6*m+k}];
#endfor
#for i in 0..WORKGROUP
#for q in 0..2
                  let u_${q}_${i}_${m}_${k} = subgroupShuffle(v_${q}_${m}_${k}, ${i}u);
#for b in 0..2
                  acc_${b}_${m}_${k}_${i} = fma(u_${q}_${i}_${m}_${k}, d_${q}_${b}_${m}[${k}], acc_${b}_${m}_${k}_${i});
#endfor
#endfor
#endfor
#endfor
#endfor
                  slot += 2;
                }
              }

              // As taps() along x; along y what is this part's of it: two points differ by signs, one is by itself.
              let first = part == 0;
              let end_0 = select(0.0, 1.0, first);
              let end_2 = select(1.0, 0.0, first);
              let even_0 = select(1.0 / 6.0, -2.0 / 3.0, first);
              let odd_1 = select(ROOT / 6.0, -2.0 / 3.0 * HALF_ROOT, first);
              let even_2 = select(1.0 / 3.0, -1.0 / 3.0, first);
#for b in 0..2
#for i in 0..WORKGROUP
#for m in 0..3
              let row_${b}_${i}_${m} = taps(array<f32, 6>(
                acc_${b}_${m}_0_${i}, acc_${b}_${m}_1_${i}, acc_${b}_${m}_2_${i},
                acc_${b}_${m}_3_${i}, acc_${b}_${m}_4_${i}, acc_${b}_${m}_5_${i},
              ));
#endfor
#for k in 0..3
              {
                let even = row_${b}_${i}_1[${k}] + row_${b}_${i}_2[${k}];
                let sum_0 = end_0 * row_${b}_${i}_0[${k}] + even_0 * even;
                let sum_1 = odd_1 * (row_${b}_${i}_1[${k}] - row_${b}_${i}_2[${k}]);
                let sum_2 = end_2 * row_${b}_${i}_0[${k}] + even_2 * even;
#for j in 0..3
#let tap = 9*b + 3*j + k
                sums[${tap}][${i}] = sum_${j} + select(sums[${tap}][${i}], 0.0, first);
#endfor
              }
#endfor
#endfor
#endfor
            }

            // Loops of unknown length (known ones are unrolled): each store takes long to compile. The second tile may
            // lie beyond the channels.
            let tiles = min(2, (group_end - co0 - lane + WORKGROUP - 1) / WORKGROUP);
            let adds = slab > slab_begin || params.accumulate != 0;
            let at0 = split_at + (9 * kz * params.inC + ci0) * params.outC + co0 + lane;
#for added in 0..2
            for (var t = 0; t < select(0, 9 * tiles, adds == (${added} == 1)); t++) {
              let at = at0 + t % 9 * params.inC * params.outC + t / 9 * WORKGROUP;
#for i in 0..WORKGROUP
              if (ci0 + ${i} < params.inC) {
                var sum = sums[t][${i}];
#if added
                sum += partial[u32(at + ${i} * params.outC)];
#endif
                partial[u32(at + ${i} * params.outC)] = sum;
              }
#endfor
            }
#endfor
          }
        }
      }
    }
  }
}
