// Column sums of a matrix, first of two passes: sums over blocks of rows (sumPartials.wgsl adds the blocks).
//
//   partial[b, c] = sum over rows r of block b of x[r, c]
//
// Bindings: x [rows, columns], partial [blocks, columns]. One invocation per element of partial.
// Constants: WORKGROUP; F16: x is stored in half precision. Dispatch: workgroups1d(ceil(blocks columns / WORKGROUP)).
#import grid
#import storage

struct Params {
  rows: u32,
  columns: u32,
  blocks: u32,
  rows_per_block: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let at = linear_workgroup(wid, num) * WORKGROUP + local;
  let block = at / params.columns;
  if (block >= params.blocks) {
    return;
  }
  let column = at % params.columns;
  let end = min((block + 1u) * params.rows_per_block, params.rows);
  var sum = 0.0;
  for (var row = block * params.rows_per_block; row < end; row++) {
    sum += f32(x[row * params.columns + column]);
  }
  partial[at] = sum;
}
