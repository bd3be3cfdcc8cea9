// Batched matrix products for adapters with subgroups of one known, small size (software ones): the sums of
// matmul.wgsl with fewer loads. Operands and epilogue: shared/product.wgsl.
//
// There a load from a buffer is a branch and a bounds check for each lane, as much work as some fifty multiply-adds;
// one from a private array a fifth of that; a shuffle is one instruction. So DEPTH rows of the right factor at a time
// are loaded into a private array (a panel: Goto and van de Geijn 2008, doi 10.1145/1356052.1356053) and serve all rows
// of the workgroup.
//
// A workgroup is one subgroup of WORKGROUP lanes. It makes rowTiles tiles of TILE_ROWS rows, one below the other, with
// TILE_COLUMNS columns a lane: lane l has the columns l, WORKGROUP + l and so on. Of the left factor lane l loads row l
// of every WORKGROUP, and shuffles from a fixed lane spread it. A turn of the loop takes four rows of the panel: what a
// loop changes is written under a mask in every turn.
//
// Constants: WORKGROUP, the exact subgroup size; TILE_ROWS, a multiple of it; TILE_COLUMNS; DEPTH, a multiple of 4;
// TILES >= rowTiles; WIDE (a and b are bound as groups of four, along the depth, which is a multiple of 4).
// Host: rows and columns beyond the last are read from it again, and nothing is stored there.
// Dispatch: x, y: workgroups1d(columnParts * ceil(rows / (rowTiles TILE_ROWS))); z: samples times heads;
// columnParts = ceil(columns / (WORKGROUP TILE_COLUMNS)).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import product

#let VECTORS = TILE_ROWS / WORKGROUP

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let row_begin = index / params.columnParts * params.rowTiles * TILE_ROWS;
  if (row_begin >= params.rows) {
    return;
  }
  let column = index % params.columnParts * (WORKGROUP * TILE_COLUMNS) + lane;
  let rows = min(params.rowTiles * TILE_ROWS, params.rows - row_begin);
  let a_first = a_begin(wid.z);
#for j in 0..TILE_COLUMNS
  let b_${j} = b_begin(wid.z) + min(column + ${j * WORKGROUP}u, params.columns - 1u) * params.bColumn;
#endfor

  // Inner indices are always constants, so that the compiler splits arrays, one for each. Some slots more keep them
  // from lying a page apart, of which a cache holds few.
  var panel: array<array<f32, TILE_COLUMNS>, DEPTH + 2>;
  var sums: array<array<f32, TILE_COLUMNS>, TILES * TILE_ROWS + 6>;
  for (var first = 0u; first < params.depth; first += DEPTH) {
    let count = min(u32(DEPTH), params.depth - first);
    for (var k = 0u; k < count; k += 4u) {
#for j in 0..TILE_COLUMNS
#ifdef WIDE
      let right_${j} = vec4<f32>(element_of_b((b_${j} + first + k) / 4u));
#endif
#for u in 0..4
#ifdef WIDE
      panel[k + ${u}u][${j}] = right_${j}[${u}];
#else
      // A column's last number stands for those beyond it, which meet zeros of the left factor.
      panel[k + ${u}u][${j}] = f32(element_of_b(b_${j} + min(first + k + ${u}u, params.depth - 1u) * params.bDepth));
#endif
#endfor
#endfor
    }
    for (var row = 0u; row < rows; row += TILE_ROWS) {
#for v in 0..VECTORS
      let a_${v} = a_first + min(row_begin + row + ${v * WORKGROUP}u + lane, params.rows - 1u) * params.aRow;
#endfor
#for i in 0..TILE_ROWS
#for j in 0..TILE_COLUMNS
      var sum_${i}_${j} = sums[row + ${i}u][${j}];
#endfor
#endfor
      for (var k = 0u; k < count; k += 4u) {
#for v in 0..VECTORS
#ifdef WIDE
        let lefts_${v} = vec4<f32>(a[(a_${v} + first + k) / 4u]);
#else
        var lefts_${v} = vec4<f32>();
#for u in 0..4
        let a_${v}_${u} = f32(a[a_${v} + min(first + k + ${u}u, params.depth - 1u) * params.aDepth]);
        lefts_${v}[${u}] = select(0.0, a_${v}_${u}, k + ${u}u < count);
#endfor
#endif
#endfor
#for u in 0..4
#for j in 0..TILE_COLUMNS
        let right_${j}_${u} = panel[k + ${u}u][${j}];
#endfor
#endfor
#for i in 0..TILE_ROWS
#for u in 0..4
        let left_${i}_${u} = subgroupShuffle(lefts_${i / WORKGROUP}[${u}], ${i % WORKGROUP}u);
#endfor
#for j in 0..TILE_COLUMNS
#for u in 0..4
        sum_${i}_${j} = fma(left_${i}_${u}, right_${j}_${u}, sum_${i}_${j});
#endfor
#endfor
#endfor
      }
#for i in 0..TILE_ROWS
#for j in 0..TILE_COLUMNS
      sums[row + ${i}u][${j}] = sum_${i}_${j};
#endfor
#endfor
    }
  }
  for (var row = 0u; row < rows; row++) {
#for j in 0..TILE_COLUMNS
    if (column + ${j * WORKGROUP}u < params.columns) {
      store(wid.z, row_begin + row, column + ${j * WORKGROUP}u, sums[row][${j}]);
    }
#endfor
  }
}
