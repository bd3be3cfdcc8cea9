// Gradient of a 3x3x3 convolution of stride 1 and padding 1 with respect to its weights, for adapters with subgroups of
// one known, small size (software ones): the sums of conv3dGradWeight.wgsl,
//
//   partial[s, k, ci, co] = sum over positions o of slice s of x[n, o - 1 + k, ci] gradY[n, o, co]
//
// first of two passes (sumPartials.wgsl adds the slices in a fixed order). With accumulate = 1 there is one slice, and
// `partial` is the gradient itself, added to what is there. As a GEMM: M = 27 Ci, N = Co, K = N D H W positions.
//
// There a load from a buffer costs as much as some fifty multiply-adds, one from a private array a sixth of that, and
// the loop must stay below 32 KB. So what a workgroup needs of x and gradY is loaded into private arrays first: gradY
// for TILES tiles of output channels, which serve all input channels, x for one tile of input channels, which serves
// these output channels and all kz. Along y the sums are those of Winograd's F(4, 3) transposed (arXiv 1509.09308; the
// matrices are those of conv3dRows.wgsl): three taps of four positions and six inputs in 6 multiply-adds for 12,
//
//   gradW = G'^T sum over the rest of (A gradY * B^T x)
//
// with A's scales moved behind the sum. A value that is not finite spreads to the three taps along y.
//
// A workgroup is one subgroup of WORKGROUP lanes. It computes a slice for tiles_i tiles of WORKGROUP input channels and
// tiles_o of output channels: lane l loads channel l of both; its output channel is its own, and the inputs are spread
// by subgroupShuffle from a fixed lane. A slice is slabs_per_slice slabs: units of four rows of `planes` planes,
// counted over the bands of rows, then over n; slabs are counted along z, then over units. Columns come four at a time,
// `columns` of them; of x one more.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, D, H, W, Co], partial [slices, 27, Ci, Co].
// Constants: WORKGROUP = the subgroup size; TILES; SLOTS_X >= units (planes + 2) (columns + 1),
// SLOTS_Y >= TILES units planes columns; X_F16, Y_F16: x, gradY are stored in half precision.
// Host: channels beyond Ci or Co are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(slices blocks_i blocks_o), blocks_i = ceil(Ci / (WORKGROUP tiles_i)), blocks_o likewise.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import storagePair

struct Params {
  batch: i32, depth: i32, height: i32, width: i32,
  in_c: i32, out_c: i32,
  units: i32, planes: i32, columns: i32,
  bands: i32,           // ceil(H / 4)
  stacks: i32,          // ceil(D / planes)
  slabs: i32,           // ceil(N bands / units) stacks
  slabs_per_slice: i32,
  slices: u32,
  blocks_i: u32, blocks_o: u32,
  tiles_i: i32, tiles_o: i32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let slice = index / (params.blocks_o * params.blocks_i);
  if (slice >= params.slices) {
    return;
  }
  let lane = i32(subgroup_lane);
  let ci_begin = i32(index / params.blocks_o % params.blocks_i) * params.tiles_i * WORKGROUP;
  let ci_end = min(ci_begin + params.tiles_i * WORKGROUP, params.in_c);
  let co_begin = i32(index % params.blocks_o) * params.tiles_o * WORKGROUP;
  let co_end = min(co_begin + params.tiles_o * WORKGROUP, params.out_c);
  let columns_x = params.columns + 1;
  let slots_y = params.units * params.planes * params.columns;
  let slice_at = i32(slice) * 27 * params.in_c * params.out_c;

  // Inner indices are always constants, so that the compiler makes arrays of SLOTS of these. Of x: the six points of
  // B^T x for four columns; of gradY: four rows of four columns.
  var kept_x: array<array<f32, 24>, SLOTS_X>;
  var kept_y: array<array<f32, 16>, SLOTS_Y>;
  var sums: array<f32, 9 * WORKGROUP>;

  let slab_begin = i32(slice) * params.slabs_per_slice;
  let slab_end = min(slab_begin + params.slabs_per_slice, params.slabs);
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
          for (var q = 0; q < params.columns; q++) {
#for j in 0..4
#for c in 0..4
            kept_y[slot][${4*j+c}] = select(
              0.0,
              f32(gradY[u32((row_at + ${j} * params.width + 4 * q + ${c}) * params.out_c + co0 + lane)]),
              oy + ${j} < params.height && 4 * q + ${c} < params.width,
            );
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
          let at_${r} = ((row + ${r}) * params.width - 1) * params.in_c + ci0 + lane;
#endfor
          for (var q = 0; q < columns_x; q++) {
#for c in 0..4
            let ix_${c} = 4 * q + ${c};
            let column_ok_${c} = ix_${c} >= 1 && ix_${c} <= params.width;
#for r in 0..6
            let x_${r}_${c} = select(
              0.0,
              f32(x[u32(at_${r} + ix_${c} * params.in_c)]),
              row_ok_${r} && column_ok_${c},
            );
#endfor
            let p_${c} = x_4_${c} - 4.0 * x_2_${c};
            let q_${c} = x_3_${c} - 4.0 * x_1_${c};
            let r_${c} = x_4_${c} - x_2_${c};
            let s_${c} = 2.0 * (x_3_${c} - x_1_${c});
            kept_x[slot][${c}] = 4.0 * (x_0_${c} - x_2_${c}) + r_${c};
            kept_x[slot][${4+c}] = p_${c} + q_${c};
            kept_x[slot][${8+c}] = p_${c} - q_${c};
            kept_x[slot][${12+c}] = r_${c} + s_${c};
            kept_x[slot][${16+c}] = r_${c} - s_${c};
            kept_x[slot][${20+c}] = 4.0 * x_1_${c} - 5.0 * x_3_${c} + x_5_${c};
#endfor
            slot++;
          }
        }

        for (var co0 = group; co0 < group_end; co0 += WORKGROUP) {
          for (var kz = 0; kz < 3; kz++) {
#for m in 0..6
#for k in 0..3
#for i in 0..WORKGROUP
            var acc_${m}_${k}_${i} = 0.0;
#endfor
#endfor
#endfor
            // Not where the plane of x lies outside the grid.
            let p_begin = select(0, 1, kz == 0 && oz == 0);
            let p_end = planes - select(0, 1, kz == 2 && oz + planes == params.depth);
            for (var unit = 0; unit < units; unit++) {
              slot = (co0 - group) / WORKGROUP * slots_y + (unit * planes + p_begin) * params.columns;
              var slot_x = (unit * (planes + 2) + p_begin + kz) * columns_x;
              for (var p = p_begin; p < p_end; p++) {
                for (var q = 0; q < params.columns; q++) {
#for m in 0..6
#for c in 0..4
                  let v_${m}_${c} = kept_x[slot_x][${4*m+c}];
#endfor
#for c in 0..2
                  let v_${m}_${4+c} = kept_x[slot_x + 1][${4*m+c}];
#endfor
#endfor
#for c in 0..4
                  let g_0_${c} = kept_y[slot][${c}];
                  let g_1_${c} = kept_y[slot][${4+c}];
                  let g_2_${c} = kept_y[slot][${8+c}];
                  let g_3_${c} = kept_y[slot][${12+c}];
                  let even1_${c} = g_0_${c} + g_2_${c};
                  let odd1_${c} = g_1_${c} + g_3_${c};
                  let even2_${c} = g_0_${c} + 4.0 * g_2_${c};
                  let odd2_${c} = 2.0 * (g_1_${c} + 4.0 * g_3_${c});
                  let d_0_${c} = g_0_${c};
                  let d_1_${c} = even1_${c} + odd1_${c};
                  let d_2_${c} = even1_${c} - odd1_${c};
                  let d_3_${c} = even2_${c} + odd2_${c};
                  let d_4_${c} = even2_${c} - odd2_${c};
                  let d_5_${c} = g_3_${c};
#endfor
#for i in 0..WORKGROUP
#for m in 0..6
#for c in 0..6
                  let u_${i}_${m}_${c} = subgroupShuffle(v_${m}_${c}, ${i}u);
#endfor
#for k in 0..3
#for c in 0..4
                  acc_${m}_${k}_${i} = fma(u_${i}_${m}_${c+k}, d_${m}_${c}, acc_${m}_${k}_${i});
#endfor
#endfor
#endfor
#endfor
                  slot++;
                  slot_x++;
                }
                slot_x++;
              }
            }

#for k in 0..3
#for i in 0..WORKGROUP
            {
              let a0 = 0.25 * acc_0_${k}_${i};
              let a12 = (acc_1_${k}_${i} + acc_2_${k}_${i}) / -6.0;
              let b12 = (acc_1_${k}_${i} - acc_2_${k}_${i}) / -6.0;
              let a34 = (acc_3_${k}_${i} + acc_4_${k}_${i}) / 24.0;
              let b34 = (acc_3_${k}_${i} - acc_4_${k}_${i}) / 12.0;
              sums[${k*WORKGROUP+i}] = a0 + a12 + a34;
              sums[${(3+k)*WORKGROUP+i}] = b12 + b34;
              sums[${(6+k)*WORKGROUP+i}] = a12 + 4.0 * a34 + acc_5_${k}_${i};
            }
#endfor
#endfor
            // A loop of unknown length (a known one is unrolled): each store takes long to compile.
            let co = co0 + lane;
            let channels = min(WORKGROUP, params.in_c - ci0);
            let taps = select(0, 9, co < params.out_c);
            for (var t = 0; t < taps; t++) {
              let at = slice_at + ((9 * kz + t) * params.in_c + ci0) * params.out_c + co;
              for (var i = 0; i < channels; i++) {
                var sum = sums[t * WORKGROUP + i];
                if (slab > slab_begin || params.accumulate != 0u) {
                  sum += partial[u32(at + i * params.out_c)];
                }
                partial[u32(at + i * params.out_c)] = sum;
              }
            }
          }
        }
      }
    }
  }
}
