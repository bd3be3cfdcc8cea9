// Biases of attention from what is known of pairs:
//
//   y[n, h, p] = sum over columns c of x[n, p, c] matrix[c, h]
//
// Bindings: x [samples, pairs, columns], columns in Reals; matrix [columns, heads] and y [samples, heads, pairs] in
// numbers.
// Constants: HEADS: those of this dispatch, from `firstHead` on; EACH: pairs of an invocation, WORKGROUP apart; VEC4:
// the columns are a multiple of 4; F16: x and y are stored in half precision; LANES, where all subgroups have so many: a
// number of the matrix is loaded by one lane and shuffled from there to all, as a load takes as long as ten shuffles.
// Dispatch: workgroups1d(samples blocks), a block is of WORKGROUP EACH pairs.
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
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

// Numbers of a Real.
#ifdef VEC4
#let WIDTH = 4
#else
#let WIDTH = 1
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
#ifdef LANES
#for k in 0..(WIDTH * HEADS + LANES - 1) / LANES
  let number_${k} = min(${k * LANES}u + subgroup_lane, ${WIDTH * HEADS - 1}u);
  let source_${k} = number_${k} / ${HEADS}u * params.heads + params.firstHead + number_${k} % ${HEADS}u;
#endfor
#endif
  for (var c = 0u; c < params.columns; c++) {
#ifdef LANES
#for k in 0..(WIDTH * HEADS + LANES - 1) / LANES
    let part_${k} = matrix[c * ${WIDTH}u * params.heads + source_${k}];
#endfor
#for h in 0..HEADS
    let factor_${h} = Real(
#for j in 0..WIDTH
      subgroupShuffle(part_${(j * HEADS + h) / LANES}, ${(j * HEADS + h) % LANES}u),
#endfor
    );
#endfor
#else
#for h in 0..HEADS
    let factor_${h} = of_matrix(c, ${h}u);
#endfor
#endif
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
