// Batched matrix products; operands are parts of larger tensors, given by strides:
//
//   out[n, h, i, j] = epilogue(sum over k of a[n, h, i, k] * b[n, h, k, j])   (shared/product.wgsl)
//
// Constants: TILE_ROWS x TILE_COLUMNS is the register tile of a thread; its columns lie `columnParts` apart, so that
// neighbouring threads read neighbouring columns. With LANES, the exact subgroup size, the threads of a subgroup share
// their rows: each loads TILE_ROWS / LANES of the left factors and broadcasts spread them (on software adapters a load
// of one word for all lanes costs as much as one of a word for each).
// Preconditions with LANES: TILE_ROWS and columnParts are multiples of it.
// Dispatch: x, y: threads1d(columnParts * ceil(rows / TILE_ROWS)); z: samples times heads.
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import thread
#import product

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
#ifdef LANES
  @builtin(subgroup_invocation_id) lane: u32,
#endif
) {
  let thread = linear_thread(wid, num, local);
  let row_block = thread / params.columnParts;
  let column = thread - row_block * params.columnParts;
  let row = row_block * TILE_ROWS;
  if (row >= params.rows) {
    return;
  }
  // Tiles that stick out read the last row or column again and store nothing there.
#ifdef LANES
#for i in 0..TILE_ROWS/LANES
  var a_${i} = a_begin(wid.z) + min(row + ${i * LANES}u + lane, params.rows - 1u) * params.aRow;
#endfor
#else
#for i in 0..TILE_ROWS
  var a_${i} = a_begin(wid.z) + min(row + ${i}u, params.rows - 1u) * params.aRow;
#endfor
#endif
#for j in 0..TILE_COLUMNS
  var b_${j} = b_begin(wid.z) + min(column + ${j}u * params.columnParts, params.columns - 1u) * params.bColumn;
#endfor
#for i in 0..TILE_ROWS
#for j in 0..TILE_COLUMNS
  var sum_${i}_${j} = 0.0;
#endfor
#endfor
  for (var k = 0u; k < params.depth; k++) {
#for j in 0..TILE_COLUMNS
    let right_${j} = f32(element_of_b(b_${j}));
    b_${j} += params.bDepth;
#endfor
#ifdef LANES
#for i in 0..TILE_ROWS/LANES
    let lefts_${i} = f32(a[a_${i}]);
    a_${i} += params.aDepth;
#endfor
#endif
#for i in 0..TILE_ROWS
#ifdef LANES
    let left_${i} = subgroupBroadcast(lefts_${i / LANES}, ${i % LANES}u);
#else
    let left_${i} = f32(a[a_${i}]);
    a_${i} += params.aDepth;
#endif
#for j in 0..TILE_COLUMNS
    sum_${i}_${j} = fma(left_${i}, right_${j}, sum_${i}_${j});
#endfor
#endfor
  }
  // The way out is a loop over an array, as TILE_ROWS * TILE_COLUMNS copies of the epilogue take long to compile.
  var sums: array<f32, TILE_ROWS * TILE_COLUMNS>;
#for i in 0..TILE_ROWS
#for j in 0..TILE_COLUMNS
  sums[${i * TILE_COLUMNS + j}] = sum_${i}_${j};
#endfor
#endfor
  for (var i = 0u; i < min(u32(TILE_ROWS), params.rows - row); i++) {
    for (var j = 0u; j < TILE_COLUMNS && column + j * params.columnParts < params.columns; j++) {
      store(wid.z, row + i, column + j * params.columnParts, sums[i * TILE_COLUMNS + j]);
    }
  }
}
