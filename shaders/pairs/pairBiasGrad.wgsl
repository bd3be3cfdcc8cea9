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
// columns are a multiple of 4; F16: all but matrix and partial is stored in half precision; LANES, where all subgroups
// have so many and the columns are a multiple of them: a number of gradY is loaded by one lane and shuffled from there.
// Dispatch: threads1d(samples blocks columns); a block is of one sample, `pairsPerBlock` of its pairs.
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
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

// Pairs of a turn.
#ifdef LANES
#let TURN = 2
#else
#let TURN = 1
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
#ifdef LANES
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
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
#ifdef LANES
#for k in 0..(TURN * HEADS + LANES - 1) / LANES
  let number_${k} = min(${k * LANES}u + subgroup_lane, ${TURN * HEADS - 1}u);
  let source_${k} = gradients + number_${k} / ${TURN}u * params.pairs;
  let ahead_${k} = number_${k} % ${TURN}u;
#endfor
#endif
  for (var pair = first; pair < end; pair += ${TURN}u) {
#ifdef LANES
#for k in 0..(TURN * HEADS + LANES - 1) / LANES
    let part_${k} = f32(gradY[source_${k} + min(pair + ahead_${k}, end - 1u)]);
#endfor
#for h in 0..HEADS
#for i in 0..TURN
    let gradient_${i}_${h} =
      subgroupShuffle(part_${(h * TURN + i) / LANES}, ${(h * TURN + i) % LANES}u);
#endfor
#endfor
#else
#for h in 0..HEADS
    let gradient_0_${h} = f32(gradY[gradients + ${h}u * params.pairs + pair]);
#endfor
#endif
#for i in 0..TURN
#if i > 0
    if (pair + ${i}u < end)
#endif
    {
      let at = (sample * params.pairs + pair + ${i}u) * params.columns + column;
#ifdef GRAD_X
#ifdef ADDEND
      var value = Real(addend[at]);
#else
      var value = Real();
#endif
#for h in 0..HEADS
      value += gradient_${i}_${h} * factor_${h};
#endfor
      gradX[at] = Stored(value);
#endif
#ifdef GRAD_MATRIX
      let row = Real(x[at]);
#for h in 0..HEADS
      sum_${h} += gradient_${i}_${h} * row;
#endfor
#endif
    }
#endfor
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
