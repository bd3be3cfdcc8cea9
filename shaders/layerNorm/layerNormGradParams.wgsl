// The gradients of layerNorm.wgsl with respect to weight and bias, first of two passes: sums over blocks of rows
// (sumPartials.wgsl adds the blocks).
//
//   partial[b, c] = sum over rows r of block b of gradY[r, c] (x[r, c] - mean[r]) rstd[r]
//   partial[b, columns + c] = sum over them of gradY[r, c], with HAS_BIAS
//
// Bindings: x, gradY, rows as shared/layerNormRows.wgsl has them; stats [rows] of (mean, rstd); partial
// [blocks, columns], with HAS_BIAS [blocks, 2 columns]; columns in Reals. One invocation per block and column.
// Constants: WORKGROUP; HAS_BIAS; VEC4: the columns are a multiple of 4; F16: x and gradY are stored in half precision.
// Dispatch: threads1d(blocks columns).
#import layerNormRows
#import thread
#import storage

struct Params { rows: u32, columns: u32, groups: u32, pitch: u32, offset: u32, blocks: u32, rowsPerBlock: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> gradY: array<Stored>;
@group(0) @binding(4) var<storage, read_write> partial: array<Real>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let block = index / params.columns;
  let column = index % params.columns;
  if (block >= params.blocks) {
    return;
  }
  var of_weight = Real();
  var of_bias = Real();
  let end = min((block + 1u) * params.rowsPerBlock, params.rows);
  for (var row = block * params.rowsPerBlock; row < end; row++) {
    let at = row_begin(row) + column;
    let gradient = Real(gradY[at]);
    let moments = stats[row];
    of_weight += gradient * ((Real(x[at]) - moments.x) * moments.y);
    of_bias += gradient;
  }
#ifdef HAS_BIAS
  let to = block * 2u * params.columns + column;
  partial[to + params.columns] = of_bias;
#else
  let to = index;
#endif
  partial[to] = of_weight;
}
