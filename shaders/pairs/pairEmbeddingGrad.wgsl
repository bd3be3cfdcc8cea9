// The gradient of pairEmbedding.wgsl with respect to its tables, first of two passes: sums over blocks of pairs
// (sumPartials.wgsl adds the blocks).
//
//   partial[b, r, c] = sum of gradY[p, c] over the pairs p of block b that have row r, in their order
//
// Bindings: bins [pairs]; gradY [pairs, columns]; partial [blocks, third + rest, columns], columns in numbers.
// Constants: WORKGROUP: columns of a workgroup, each invocation has one; ROWS: rows of the largest of the three tables;
// F16: gradY is stored in half precision.
// Dispatch: workgroups1d(3 blocks chunks), `chunks` of columns: a workgroup has a block, a table and a chunk.
#import grid
#import storage

struct Params {
  pairs: u32,
  columns: u32,
  second: u32,
  third: u32,
  rows: u32,
  chunks: u32,
  blocks: u32,
  pairsPerBlock: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bins: array<u32>;
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

#let SUMS = ROWS * WORKGROUP

// Of the table's rows, by column: only its own invocation touches a column's.
var<workgroup> sums: array<f32, ${SUMS}>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let part = index % 3u;
  let chunk = (index / 3u) % params.chunks;
  let block = index / (3u * params.chunks);
  let column = chunk * WORKGROUP + lane;
  if (block >= params.blocks || column >= params.columns) {
    return;
  }
  let first = select(select(params.third, params.second, part == 1u), 0u, part == 0u);
  let rows = select(select(params.rows, params.third, part == 1u), params.second, part == 0u) - first;
  for (var row = 0u; row < rows; row++) {
    sums[row * WORKGROUP + lane] = 0.0;
  }
  let end = min((block + 1u) * params.pairsPerBlock, params.pairs);
  for (var pair = block * params.pairsPerBlock; pair < end; pair++) {
    // 255 is no row of any table.
    let row = (bins[pair] >> (8u * part)) & 255u;
    if (row < rows) {
      sums[row * WORKGROUP + lane] += f32(gradY[pair * params.columns + column]);
    }
  }
  for (var row = 0u; row < rows; row++) {
    partial[(block * params.rows + first + row) * params.columns + column] = sums[row * WORKGROUP + lane];
  }
}
