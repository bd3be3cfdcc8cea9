// Batched matrix products for adapters with subgroups of one known, small size (software ones), where all lies in
// groups of four. Operands and epilogue: shared/product.wgsl.
//
// A workgroup is one subgroup. It holds DEPTH rows of 4 QUADS columns a lane of the right factor in variables, which
// the compiler keeps on the stack, at addresses that it knows: an operand there costs nothing, where a load from an
// array by an index takes as long as ten multiply-adds and one from a buffer as forty. Past them go rowTiles groups of
// four rows of the left factor, one row a turn, each number of which is loaded by one lane and shuffled from there to
// all: of two rows the loop would not fit in the first-level instruction cache. No sum outlives a turn, as what a loop
// changes is written under a mask. Of a greater depth the sums of the parts before wait in `partial`, or in out itself.
//
// Constants: WORKGROUP, the exact subgroup size; DEPTH, a multiple of 4 WORKGROUP; QUADS; A_ALONG: rows of a lie next
// to one another (aRow is 1), else its depth does (aDepth is 1); B_ALONG: the depth of b does (bDepth is 1), else its
// columns (bColumn is 1); SEVERAL: the depth is greater than DEPTH, PARTIAL: sums wait apart. VEC4: all is bound as
// groups of four.
// Host: what lies next to one another is a multiple of four, as offsets and other strides are, and the columns; rows
// and columns beyond the last are read from it again, and nothing is stored there.
// Dispatch: x, y: workgroups1d(columnParts * ceil(rows / (4 rowTiles))); z: samples times heads;
// columnParts = ceil(columns / (4 QUADS WORKGROUP)).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import product

// Rows that a load brings where rows lie next to one another.
const GROUP = 4u;

#ifdef PARTIAL
@group(0) @binding(8) var<storage, read_write> partial: array<vec4<f32>>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let row_begin = index / params.columnParts * params.rowTiles * GROUP;
  if (row_begin >= params.rows) {
    return;
  }
  let row_end = min(row_begin + params.rowTiles * GROUP, params.rows);
#for q in 0..QUADS
  let column_${q} = ((index % params.columnParts * QUADS + ${q}u) * WORKGROUP + lane) * 4u;
  let read_column_${q} = min(column_${q}, params.columns - 4u);
#endfor
  let a_at = a_begin(wid.z);
  let b_at = b_begin(wid.z);
  // Written by a loop and read at constant places. The inner indices are constants, so that the compiler splits it.
#for q in 0..QUADS
  var held_${q}: array<vec4<f32>, DEPTH>;
#endfor
  for (var first = 0u; first < params.depth; first += DEPTH) {
    // Beyond the last depth stands what was there before, of these columns too, and meets zeros of a.
    let end = min(first + DEPTH, params.depth);
#ifdef B_ALONG
    for (var k = first; k < end; k += 4u) {
#for q in 0..QUADS
#for j in 0..4
      let along_${q}_${j} = vec4<f32>(element_of_b((b_at + k + (read_column_${q} + ${j}u) * params.bColumn) / 4u));
#endfor
#for u in 0..4
      held_${q}[k - first + ${u}u] =
        vec4<f32>(along_${q}_0[${u}], along_${q}_1[${u}], along_${q}_2[${u}], along_${q}_3[${u}]);
#endfor
#endfor
    }
#else
    for (var k = first; k < end; k++) {
#for q in 0..QUADS
      held_${q}[k - first] = vec4<f32>(element_of_b((b_at + k * params.bDepth + read_column_${q}) / 4u));
#endfor
    }
#endif
#for q in 0..QUADS
#for k in 0..DEPTH
    let right_${q}_${k} = held_${q}[${k}];
#endfor
#endfor
    let is_last = first + DEPTH >= params.depth;
#ifdef A_ALONG
    for (var group = row_begin; group < row_end; group += GROUP) {
      // A lane has four rows at one depth, which are four turns.
#for v in 0..DEPTH/WORKGROUP
      let k_${v} = first + ${v * WORKGROUP}u + lane;
      let four_${v} = select(
        vec4<f32>(), vec4<f32>(a[(a_at + group + min(k_${v}, params.depth - 1u) * params.aDepth) / 4u]),
        k_${v} < params.depth);
#endfor
    let group_end = min(group + GROUP, row_end);
    for (var row = group; row < group_end; row++) {
      let is_odd = (row & 1u) != 0u;
      let is_upper = (row & 2u) != 0u;
#for v in 0..DEPTH/WORKGROUP
      let pair_${v} = select(four_${v}.xy, four_${v}.zw, is_upper);
      let left_${v} = select(pair_${v}.x, pair_${v}.y, is_odd);
#endfor
#else
    for (var row = row_begin; row < row_end; row++) {
      // A lane has the row at four depths.
      let a_row = a_at + row * params.aRow;
#for v in 0..DEPTH/WORKGROUP/4
      let k_${v} = first + ${v * WORKGROUP * 4}u + 4u * lane;
      let left_${v} = select(
        vec4<f32>(), vec4<f32>(a[(a_row + min(k_${v}, params.depth - 4u)) / 4u]), k_${v} < params.depth);
#endfor
#endif
#for q in 0..QUADS
      var sum_${q} = vec4<f32>();
#endfor
#for k in 0..DEPTH
#ifdef A_ALONG
      let left_of_${k} = vec4<f32>(subgroupShuffle(left_${k / WORKGROUP}, ${k % WORKGROUP}u));
#else
      let left_of_${k} = vec4<f32>(subgroupShuffle(left_${k / (4 * WORKGROUP)}[${k % 4}], ${k / 4 % WORKGROUP}u));
#endif
#for q in 0..QUADS
      sum_${q} = fma(left_of_${k}, right_${q}_${k}, sum_${q});
#endfor
#endfor
#for q in 0..QUADS
      if (column_${q} < params.columns) {
        put(wid.z, row, column_${q}, first > 0u, is_last, sum_${q});
      }
#endfor
    }
#ifdef A_ALONG
    }
#endif
  }
}

fn put(z: u32, row: u32, column: u32, is_added: bool, is_last: bool, part: vec4<f32>) {
#ifdef SEVERAL
#ifdef PARTIAL
  let at = ((z * params.rows + row) * params.columns + column) / 4u;
#else
  let at = out_index(z, row, column) / 4u;
#endif
  var sum = part;
  if (is_added) {
#ifdef PARTIAL
    sum += partial[at];
#else
    sum += vec4<f32>(out[at]);
#endif
  }
  if (is_last) {
    store(z, row, column, sum);
  } else {
#ifdef PARTIAL
    partial[at] = sum;
#else
    out[at] = Stored(sum);
#endif
  }
#else
  store(z, row, column, part);
#endif
}
