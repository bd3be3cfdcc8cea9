// Batched matrix products for adapters with subgroups of one known, small size (software ones), where all lies in
// groups of four. Operands and epilogue: shared/product.wgsl.
//
// A workgroup is one subgroup. It holds DEPTH rows of four columns a lane of the right factor in variables, which the
// compiler keeps on the stack, at addresses that it knows: an operand there costs nothing, where a load from an array
// by an index takes as long as ten multiply-adds and one from a buffer as forty. Past them go rowTiles tiles of ROWS
// rows of the left factor, each number of which is loaded by one lane and shuffled from there to all. No sum outlives a
// turn of that loop, as what a loop changes is written under a mask. Of a greater depth the sums of the parts before
// wait in `partial`, or in out itself.
//
// Constants: WORKGROUP, the exact subgroup size; ROWS, a multiple of 4; DEPTH, a multiple of 4 WORKGROUP; A_ALONG: rows
// of a lie next to one another (aRow is 1), else its depth does (aDepth is 1); B_ALONG: the depth of b does (bDepth is
// 1), else its columns (bColumn is 1); SEVERAL: the depth is greater than DEPTH, PARTIAL: sums wait apart. VEC4: all is
// bound as groups of four.
// Host: what lies next to one another is a multiple of four, as offsets and other strides are, and the columns; rows
// and columns beyond the last are read from it again, and nothing is stored there.
// Dispatch: x, y: workgroups1d(columnParts * ceil(rows / (rowTiles ROWS))); z: samples times heads;
// columnParts = ceil(columns / (4 WORKGROUP)).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import product

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
  let row_begin = index / params.columnParts * params.rowTiles * ROWS;
  if (row_begin >= params.rows) {
    return;
  }
  let row_end = min(row_begin + params.rowTiles * ROWS, params.rows);
  let column = (index % params.columnParts * WORKGROUP + lane) * 4u;
  let a_at = a_begin(wid.z);
  let b_at = b_begin(wid.z);
  let read_column = min(column, params.columns - 4u);
  // Written by a loop and read at constant places. The inner indices are constants, so that the compiler splits it.
  var held: array<vec4<f32>, DEPTH>;
  for (var first = 0u; first < params.depth; first += DEPTH) {
    // Beyond the last depth stands what was there before, of these columns too, and meets zeros of a.
    let end = min(first + DEPTH, params.depth);
#ifdef B_ALONG
    for (var k = first; k < end; k += 4u) {
#for j in 0..4
      let along_${j} = vec4<f32>(element_of_b((b_at + k + (read_column + ${j}u) * params.bColumn) / 4u));
#endfor
#for u in 0..4
      held[k - first + ${u}u] = vec4<f32>(along_0[${u}], along_1[${u}], along_2[${u}], along_3[${u}]);
#endfor
    }
#else
    for (var k = first; k < end; k++) {
      held[k - first] = vec4<f32>(element_of_b((b_at + k * params.bDepth + read_column) / 4u));
    }
#endif
#for k in 0..DEPTH
    let right_${k} = held[${k}];
#endfor
    let is_last = first + DEPTH >= params.depth;
    for (var row = row_begin; row < row_end; row += ROWS) {
#ifdef A_ALONG
      // A lane has four rows at one depth.
#for g in 0..ROWS/4
      let a_row_${g} = a_at + min(row + ${4 * g}u, params.rows - 4u);
#for v in 0..DEPTH/WORKGROUP
      let k_${g}_${v} = first + ${v * WORKGROUP}u + lane;
      let left_${g}_${v} = select(
        vec4<f32>(), vec4<f32>(a[(a_row_${g} + min(k_${g}_${v}, params.depth - 1u) * params.aDepth) / 4u]),
        k_${g}_${v} < params.depth);
#endfor
#endfor
#else
      // A lane has one row at four depths.
#for r in 0..ROWS
      let a_row_${r} = a_at + min(row + ${r}u, params.rows - 1u) * params.aRow;
#for v in 0..DEPTH/WORKGROUP/4
      let k_${r}_${v} = first + ${v * WORKGROUP * 4}u + 4u * lane;
      let left_${r}_${v} = select(vec4<f32>(),
        vec4<f32>(a[(a_row_${r} + min(k_${r}_${v}, params.depth - 4u)) / 4u]), k_${r}_${v} < params.depth);
#endfor
#endfor
#endif
#for r in 0..ROWS
      var sum_${r} = vec4<f32>();
#endfor
#for k in 0..DEPTH
#for r in 0..ROWS
#ifdef A_ALONG
      sum_${r} = fma(
        vec4<f32>(subgroupShuffle(left_${r / 4}_${k / WORKGROUP}[${r % 4}], ${k % WORKGROUP}u)), right_${k}, sum_${r});
#else
      sum_${r} = fma(vec4<f32>(subgroupShuffle(left_${r}_${k / (4 * WORKGROUP)}[${k % 4}], ${k / 4 % WORKGROUP}u)),
        right_${k}, sum_${r});
#endif
#endfor
#endfor
#for r in 0..ROWS
      if (column < params.columns && row + ${r}u < row_end) {
        put(wid.z, row + ${r}u, column, first > 0u, is_last, sum_${r});
      }
#endfor
    }
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
