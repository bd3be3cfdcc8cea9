// What the matrix products of attention have in common: sizes and strides, and what becomes of a sum on its way out.
//
//   out[n, i, j] = epilogue(sum over k of a[n, i, k] * b[n, k, j]),   M = rows, N = columns, K = depth.
// a    a_offset + n a_batch + i a_row + k a_depth
// b    b_offset + n b_batch + k b_depth + j b_column     (read from `a`'s tensor with ONE_SOURCE)
// out  out_offset + n out_batch + i out_row + j
// Epilogue: `scale` times the sum, and
//   PROBABILITY  exp(that - column_values[n, j])                        column_values: log of the sum of exponentials
//   SCORE_GRAD   probability[n, i, j] * (sum - column_values[n, j]) * scale   probability laid out as out
//   RESCALE      (out * factors[n, i].x + sum) * factors[n, i].y      out is not read where the first factor is 0
//   none         added to out where `accumulate` is 1
#import storage

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  a_offset: u32,
  a_batch: u32,
  a_row: u32,
  a_depth: u32,
  b_offset: u32,
  b_batch: u32,
  b_depth: u32,
  b_column: u32,
  out_offset: u32,
  out_batch: u32,
  out_row: u32,
  column_parts: u32,  // what shares the columns: invocations, or workgroups
  scale: f32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<Stored>;
#if defined(PROBABILITY) || defined(SCORE_GRAD)
@group(0) @binding(4) var<storage, read> column_values: array<f32>;
#endif
#ifdef SCORE_GRAD
@group(0) @binding(5) var<storage, read> probability: array<f32>;
#endif
#ifdef RESCALE
@group(0) @binding(4) var<storage, read> factors: array<vec2<f32>>;
#endif

fn store(sample: u32, row: u32, column: u32, sum: f32) {
  let at = params.out_offset + sample * params.out_batch + row * params.out_row + column;
#ifdef PROBABILITY
  out[at] = Stored(exp(params.scale * sum - column_values[sample * params.columns + column]));
#elif defined(SCORE_GRAD)
  out[at] = Stored(probability[at] * (sum - column_values[sample * params.columns + column]) * params.scale);
#elif defined(RESCALE)
  let factor = factors[sample * params.rows + row];
  var value = sum;
  if (factor.x != 0.0) {
    value += f32(out[at]) * factor.x;
  }
  out[at] = Stored(value * factor.y);
#else
  var value = params.scale * sum;
  if (params.accumulate != 0u) {
    value += f32(out[at]);
  }
  out[at] = Stored(value);
#endif
}
