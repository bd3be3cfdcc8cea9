// What the matrix products of attention have in common: sizes and strides, and what becomes of a sum on its way out.
//
//   out[n, i, j] = epilogue(sum over k of a[n, i, k] * b[n, k, j]),   M = rows, N = columns, K = depth.
// a    aOffset + n aSample + i aRow + k aDepth
// b    bOffset + n bSample + k bDepth + j bColumn     (read from `a`'s tensor with ONE_SOURCE)
// out  outOffset + n outSample + i outRow + j
// WIDE: a and b are bound as groups of four numbers. X_F16, Y_F16, F16: a, b, out are stored in half precision.
// Epilogue: `scale` times the sum, and
//   PROBABILITY  exp(that - columnValues[n, j])                        columnValues: log of the sum of exponentials
//   SCORE_GRAD   probability[n, i, j] * (sum - columnValues[n, j]) * scale   probability laid out as out
//   RESCALE      (out * factors[n, i].x + sum) * factors[n, i].y      out is not read where the first factor is 0
//   none         added to out where `accumulate` is 1
#import nan
#import storage
#import storagePair

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  aOffset: u32,
  aSample: u32,
  aRow: u32,
  aDepth: u32,
  bOffset: u32,
  bSample: u32,
  bDepth: u32,
  bColumn: u32,
  outOffset: u32,
  outSample: u32,
  outRow: u32,
  columnParts: u32,  // what shares the columns: invocations, or workgroups
  rowTiles: u32,     // tiles of rows that a workgroup of attentionPanel.wgsl makes
  scale: f32,
  accumulate: u32,
}

#ifdef WIDE
alias ElementA = vec4<StoredX>;
alias ElementB = vec4<StoredY>;
#else
alias ElementA = StoredX;
alias ElementB = StoredY;
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<ElementA>;
@group(0) @binding(2) var<storage, read_write> out: array<Stored>;
#ifndef ONE_SOURCE
@group(0) @binding(3) var<storage, read> b: array<ElementB>;
#endif
#if defined(PROBABILITY) || defined(SCORE_GRAD)
@group(0) @binding(4) var<storage, read> columnValues: array<f32>;
#endif
#ifdef SCORE_GRAD
@group(0) @binding(5) var<storage, read> probability: array<f32>;
#endif
#ifdef RESCALE
@group(0) @binding(4) var<storage, read> factors: array<vec2<f32>>;
#endif

fn element_of_b(at: u32) -> ElementB {
#ifdef ONE_SOURCE
  return a[at];
#else
  return b[at];
#endif
}

fn store(sample: u32, row: u32, column: u32, sum: f32) {
  let at = params.outOffset + sample * params.outSample + row * params.outRow + column;
#ifdef PROBABILITY
  out[at] = Stored(exp_or_nan(params.scale * sum - columnValues[sample * params.columns + column]));
#elif defined(SCORE_GRAD)
  out[at] = Stored(probability[at] * (sum - columnValues[sample * params.columns + column]) * params.scale);
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
