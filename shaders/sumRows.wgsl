// Column sums of a matrix, first of two passes: sums over blocks of rows (sumPartials.wgsl adds the blocks).
//
//   partial[b, c] = sum over rows r of block b of x[r, c]
//
// Bindings: x [rows, columns], partial [blocks, columns]; columns in Reals. One invocation per element of partial.
// Constants: WORKGROUP; VEC4: the number of columns is a multiple of 4; F16: x is stored in half precision.
// Dispatch: threads1d(blocks columns).
#import thread
#import storage

struct Params {
  rows: u32,
  columns: u32,
  blocks: u32,
  rowsPerBlock: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> partial: array<Real>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let at = linear_thread(wid, num, local);
  let block = at / params.columns;
  let column = at % params.columns;
  let first = block * params.rowsPerBlock;
  let end = min(first + params.rowsPerBlock, params.rows);
  // Four sums, so that an addition need not wait for the one before.
  var sum0 = Real();
  var sum1 = Real();
  var sum2 = Real();
  var sum3 = Real();
  var row = first;
  for (; row + 3u < end; row += 4u) {
    let source = row * params.columns + column;
    sum0 += Real(x[source]);
    sum1 += Real(x[source + params.columns]);
    sum2 += Real(x[source + 2u * params.columns]);
    sum3 += Real(x[source + 3u * params.columns]);
  }
  for (; row < end; row++) {
    sum0 += Real(x[row * params.columns + column]);
  }
  if (block < params.blocks) {
    partial[at] = (sum0 + sum1) + (sum2 + sum3);
  }
}
