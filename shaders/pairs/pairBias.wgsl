// Biases of attention from what is known of pairs:
//
//   y[n, h, p] = sum over columns c of x[n, p, c] matrix[c, h]
//
// Bindings: x [samples, pairs, columns], columns in Reals; matrix [columns, heads] and y [samples, heads, pairs] in
// numbers.
// Constants: HEADS: those of this dispatch, from `firstHead` on; EACH: pairs of an invocation, WORKGROUP apart; VEC4:
// the columns are a multiple of 4; F16: x and y are stored in half precision.
// Dispatch: workgroups1d(samples blocks), a block is of WORKGROUP EACH pairs.
#import pairMatrix
#import storage
#import storedNumber
#import thread
#import total

struct Params { samples: u32, pairs: u32, columns: u32, heads: u32, firstHead: u32, blocks: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> matrix: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<StoredNumber>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let sample = index / params.blocks;
  if (sample >= params.samples) {
    return;
  }
  let first = (index - sample * params.blocks) * (WORKGROUP * EACH) + lane;
#for i in 0..EACH
  let pair_${i} = first + ${i}u * WORKGROUP;
  // Beyond the last it is read again, and not stored.
  let row_${i} = (sample * params.pairs + min(pair_${i}, params.pairs - 1u)) * params.columns;
#for h in 0..HEADS
  var sum_${i}_${h} = 0.0;
#endfor
#endfor
  for (var c = 0u; c < params.columns; c++) {
#for h in 0..HEADS
    let factor_${h} = of_matrix(c, ${h}u);
#endfor
#for i in 0..EACH
    let value_${i} = Real(x[row_${i} + c]);
#for h in 0..HEADS
    sum_${i}_${h} += total(value_${i} * factor_${h});
#endfor
#endfor
  }
  let to = (sample * params.heads + params.firstHead) * params.pairs;
#for i in 0..EACH
  if (pair_${i} < params.pairs) {
#for h in 0..HEADS
    y[to + ${h}u * params.pairs + pair_${i}] = StoredNumber(sum_${i}_${h});
#endfor
  }
#endfor
}
