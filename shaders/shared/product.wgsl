// What matrix products have in common: sizes and strides, and what becomes of a sum on its way out.
//
//   out[n, h, i, j] = epilogue(sum over k of a[n, h, i, k] * b[n, h, k, j]),   M = rows, N = columns, K = depth.
//
// z is n heads + h. WIDE: a and b are bound as groups of four numbers; VEC4: so is all else, but for factors, masks and
// pair biases, and a sum is one of four columns. X_F16, Y_F16, F16: a, b, out are stored in half precision; ONE_SOURCE:
// b lies in a's tensor. Epilogue, of s = `scale` times the sum:
//   none         s, added to out where `accumulate` is 1
//   LAYER        f(s + bias[j]) * gate + residual; f: shared/activated.wgsl. BIAS, GATE, RESIDUAL: they are
//                there; PRE_ACTIVATION: s + bias[j] is kept. gate, residual and preActivation are laid out as out.
//   RESCALE      (out * factors[z, i].x + sum) * factors[z, i].y      out is not read where the first factor is 0
// and of attention, where rows are keys and columns queries, `outRow` and `firstRow` those of a tile of keys:
//   SCORES       s + pairBias[n, h, j, key]                            PAIR_BIAS; LOWEST where mask[n, key] is 0: MASK;
//                with COPIES each row of both is of `copies` samples, for n there stands n / copies
//   PROBABILITY  exp(score - columnValues[z, j]), 0 for a masked key   columnValues: log of the sum of exponentials
//   SCORE_GRAD   g scale, g = probability[at] * (sum - columnValues[z, j]); PAIR_BIAS: gradPairBias[n, h, j, key] = g
#import activated
#import nan
#import storage
#import storagePair

struct Params {
  rows: u32,
  columns: u32,
  depth: u32,
  heads: u32,
  aOffset: u32,
  aSample: u32,
  aHead: u32,
  aRow: u32,
  aDepth: u32,
  bOffset: u32,
  bSample: u32,
  bHead: u32,
  bDepth: u32,
  bColumn: u32,
  outOffset: u32,
  outSample: u32,
  outHead: u32,
  outRow: u32,
  columnParts: u32,  // what shares the columns: invocations, or workgroups
  rowTiles: u32,     // tiles of rows that a workgroup of matmulPanel.wgsl makes
  scale: f32,
  accumulate: u32,
  firstRow: u32,     // which key is row 0
  keys: u32,         // of all tiles
  copies: u32,       // samples of a chain
}

#if defined(VEC4)
alias ElementA = StoredX;
alias ElementB = StoredY;
#elif defined(WIDE)
alias ElementA = vec4<StoredX>;
alias ElementB = vec4<StoredY>;
#else
alias ElementA = StoredX;
alias ElementB = StoredY;
#endif

// Pair biases are stored as a, one by one.
#ifdef X_F16
alias StoredPair = f16;
#else
alias StoredPair = f32;
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<ElementA>;
@group(0) @binding(2) var<storage, read_write> out: array<Stored>;
#ifndef ONE_SOURCE
@group(0) @binding(3) var<storage, read> b: array<ElementB>;
#endif
#ifdef LAYER
#ifdef BIAS
@group(0) @binding(4) var<storage, read> bias: array<Real>;
#endif
#ifdef GATE
@group(0) @binding(5) var<storage, read> gate: array<Stored>;
#endif
#ifdef RESIDUAL
@group(0) @binding(6) var<storage, read> residual: array<Stored>;
#endif
#ifdef PRE_ACTIVATION
@group(0) @binding(7) var<storage, read_write> preActivation: array<Stored>;
#endif
#endif
#if defined(PROBABILITY) || defined(SCORE_GRAD)
@group(0) @binding(4) var<storage, read> columnValues: array<Real>;
#endif
#ifdef SCORE_GRAD
@group(0) @binding(5) var<storage, read> probability: array<Real>;
#ifdef PAIR_BIAS
@group(0) @binding(6) var<storage, read_write> gradPairBias: array<StoredPair>;
#endif
#else
#ifdef PAIR_BIAS
@group(0) @binding(6) var<storage, read> pairBias: array<StoredPair>;
#endif
#ifdef MASK
@group(0) @binding(7) var<storage, read> mask: array<f32>;
#endif
#endif
#ifdef RESCALE
@group(0) @binding(4) var<storage, read> factors: array<vec2<f32>>;
#endif

fn a_begin(z: u32) -> u32 {
  return params.aOffset + z / params.heads * params.aSample + z % params.heads * params.aHead;
}

fn b_begin(z: u32) -> u32 {
  return params.bOffset + z / params.heads * params.bSample + z % params.heads * params.bHead;
}

fn element_of_b(at: u32) -> ElementB {
#ifdef ONE_SOURCE
  return a[at];
#else
  return b[at];
#endif
}

// Columns of a group.
#ifdef VEC4
const EACH = 4;
#else
const EACH = 1;
#endif

fn out_index(z: u32, row: u32, column: u32) -> u32 {
  return params.outOffset + z / params.heads * params.outSample + z % params.heads * params.outHead
    + row * params.outRow + column;
}

// What a sample's pair bias and mask are of.
fn chain_of(z: u32) -> u32 {
#ifdef COPIES
  return z / (params.heads * params.copies);
#else
  return z / params.heads;
#endif
}

#ifdef PAIR_BIAS
// Where a query's bias to row `row` is; columns are queries.
fn pair_at(z: u32, row: u32, column: u32) -> u32 {
#ifdef COPIES
  let matrix = chain_of(z) * params.heads + z % params.heads;
#else
  let matrix = z;
#endif
  return (matrix * params.columns + column) * params.keys + params.firstRow + row;
}
#endif

#if defined(SCORES) || defined(PROBABILITY)
// Below all scores that are of any weight.
const LOWEST = -3.4e38;

fn is_masked(z: u32, row: u32) -> bool {
#ifdef MASK
  return mask[chain_of(z) * params.keys + params.firstRow + row] == 0.0;
#else
  return false;
#endif
}

fn score_of(z: u32, row: u32, column: u32, sum: Real) -> Real {
  var score = params.scale * sum;
#ifdef PAIR_BIAS
#ifdef VEC4
#for j in 0..4
  score[${j}] += f32(pairBias[pair_at(z, row, column + ${j}u)]);
#endfor
#else
  score += f32(pairBias[pair_at(z, row, column)]);
#endif
#endif
  return score;
}
#endif

fn store(z: u32, row: u32, column: u32, sum: Real) {
  let at = out_index(z, row, column) / EACH;
#if defined(SCORES)
  out[at] = Stored(select(score_of(z, row, column, sum), Real(LOWEST), is_masked(z, row)));
#elif defined(PROBABILITY)
  let exponent = score_of(z, row, column, sum) - columnValues[(z * params.columns + column) / EACH];
#ifdef VEC4
  let value = vec4<f32>(
    exp_or_nan(exponent.x), exp_or_nan(exponent.y), exp_or_nan(exponent.z), exp_or_nan(exponent.w));
#else
  let value = exp_or_nan(exponent);
#endif
  out[at] = Stored(select(value, Real(), is_masked(z, row)));
#elif defined(SCORE_GRAD)
  let value = probability[at] * (sum - columnValues[(z * params.columns + column) / EACH]);
#ifdef PAIR_BIAS
#ifdef VEC4
#for j in 0..4
  gradPairBias[pair_at(z, row, column + ${j}u)] = StoredPair(value[${j}]);
#endfor
#else
  gradPairBias[pair_at(z, row, column)] = StoredPair(value);
#endif
#endif
  out[at] = Stored(value * params.scale);
#elif defined(RESCALE)
  let factor = factors[z * params.rows + row];
  var value = sum;
  if (factor.x != 0.0) {
    value += Real(out[at]) * factor.x;
  }
  out[at] = Stored(value * factor.y);
#elif defined(LAYER)
  var value = params.scale * sum;
#ifdef BIAS
  value += bias[column / EACH];
#endif
#ifdef PRE_ACTIVATION
  preActivation[at] = Stored(value);
#endif
  value = activated(value);
#ifdef GATE
  value *= Real(gate[at]);
#endif
#ifdef RESIDUAL
  value += Real(residual[at]);
#endif
  out[at] = Stored(value);
#else
  var value = params.scale * sum;
  if (params.accumulate != 0u) {
    value += Real(out[at]);
  }
  out[at] = Stored(value);
#endif
}
