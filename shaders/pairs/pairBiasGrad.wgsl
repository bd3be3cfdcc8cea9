// The gradients of pairBias.wgsl:
//
//   gradX[n, p, c] = sum over heads h of gradY[n, h, p] matrix[c, h] [+ addend]
//   partial[b, c, h] = sum over the pairs p of block b of x[n, p, c] gradY[n, h, p], in their order
//
// the second the first of two passes (sumPartials.wgsl adds the blocks).
//
// Bindings: gradY [samples, heads, pairs] in numbers; with GRAD_X matrix [columns, heads] in numbers, gradX and with
// ADDEND addend [samples, pairs, columns], columns in Reals; with GRAD_MATRIX x as gradX, partial
// [samples blocks, columns, heads] in numbers.
// Constants: HEADS: those of this dispatch, from `firstHead` on; GRAD_X, GRAD_MATRIX, ADDEND; WORKGROUP; VEC4: the
// columns are a multiple of 4; F16: all but matrix and partial is stored in half precision.
// Dispatch: threads1d(samples blocks columns); a block is of one sample, `pairsPerBlock` of its pairs.
#import storage
#import storedNumber
#import thread

struct Params {
  samples: u32,
  pairs: u32,
  columns: u32,
  heads: u32,
  firstHead: u32,
  blocks: u32,
  pairsPerBlock: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradY: array<StoredNumber>;
#ifdef GRAD_X
@group(0) @binding(2) var<storage, read> matrix: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Stored>;
#ifdef ADDEND
@group(0) @binding(4) var<storage, read> addend: array<Stored>;
#endif
#import pairMatrix
#endif
#ifdef GRAD_MATRIX
@group(0) @binding(5) var<storage, read> x: array<Stored>;
@group(0) @binding(6) var<storage, read_write> partial: array<f32>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let block = index / params.columns;
  let sample = block / params.blocks;
  if (sample >= params.samples) {
    return;
  }
  let column = index - block * params.columns;
  let first = (block - sample * params.blocks) * params.pairsPerBlock;
  let end = min(first + params.pairsPerBlock, params.pairs);
  let gradients = (sample * params.heads + params.firstHead) * params.pairs;
#for h in 0..HEADS
#ifdef GRAD_X
  let factor_${h} = of_matrix(column, ${h}u);
#endif
#ifdef GRAD_MATRIX
  var sum_${h} = Real();
#endif
#endfor
  for (var pair = first; pair < end; pair++) {
    let at = (sample * params.pairs + pair) * params.columns + column;
#for h in 0..HEADS
    let gradient_${h} = f32(gradY[gradients + ${h}u * params.pairs + pair]);
#endfor
#ifdef GRAD_X
#ifdef ADDEND
    var value = Real(addend[at]);
#else
    var value = Real();
#endif
#for h in 0..HEADS
    value += gradient_${h} * factor_${h};
#endfor
    gradX[at] = Stored(value);
#endif
#ifdef GRAD_MATRIX
    let row = Real(x[at]);
#for h in 0..HEADS
    sum_${h} += gradient_${h} * row;
#endfor
#endif
  }
#ifdef GRAD_MATRIX
#for h in 0..HEADS
#ifdef VEC4
  let to_${h} = (index * 4u) * params.heads + params.firstHead + ${h}u;
#for j in 0..4
  partial[to_${h} + ${j}u * params.heads] = sum_${h}[${j}];
#endfor
#else
  partial[index * params.heads + params.firstHead + ${h}u] = sum_${h};
#endif
#endfor
#endif
}
