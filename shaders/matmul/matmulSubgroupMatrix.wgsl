// Batched matrix products on subgroup matrices, for operands in half precision:
//
//   out[n, h, i, j] = epilogue(sum over k of a[n, h, i, k] * b[n, h, k, j])   (shared/product.wgsl)
//
// b is f16. An a in f32 (probabilities, gradients of scores) is taken as two f16, `high` + `low` / 2^10, whose products
// are summed apart: high is its first 11 bits, or 0 below the least normal number of f16, low what is left. So 22 bits
// count, and small numbers, as gradients of scores are (gradY's size over the number of tokens), keep 11 bits down to
// 2^-24 even where an adapter takes subnormal numbers for 0. What is f32 elsewhere is not rounded to f16 here. Beyond
// 65,504 a number becomes what the adapter makes of it in f16, mostly an infinity, which loss scaling sees.
//
// A workgroup computes BLOCK_ROWS x BLOCK_COLUMNS of a sample, each of its subgroups SUB_ROWS x SUB_COLUMNS matrices.
// It goes along the depth by steps of DEPTH, of which it stages a and b as they lie in memory, so that neighbouring
// invocations read neighbouring numbers; those of the next step are on their way while this one is multiplied. Beyond
// the last row, column and depth there are zeros. Rows of operands are an odd number of 16 bytes apart, so that eight
// of them lie in different banks. matmulSubgroupMatrix.ts has the tiles.
//
// Constants: those of shared/subgroupMatrix.wgsl, SUBGROUPS_ROWS, SUBGROUPS_COLUMNS, SUB_ROWS, SUB_COLUMNS, DEPTH (a
// multiple of MATRIX_K); LOADS_A, LOADS_B: elements of 8 numbers of a step that an invocation loads; A_ALONG: rows of a
// lie next to one another (aRow is 1), else its depth does (aDepth is 1); B_ALONG: the depth of b does (bDepth is 1),
// else its columns (bColumn is 1); WIDE: what lies next to one another is a multiple of four, as offsets and other
// strides are; PARTS: 2 where a is f32, high and low, else 1.
// Dispatch: x, y: columnParts * ceil(rows / BLOCK_ROWS) workgroups, columnParts = ceil(columns / BLOCK_COLUMNS),
// folded by workgroups1d; z: samples times heads.
#import grid
#import product
#import subgroupMatrix

const WORKGROUP = SUBGROUP_SIZE * SUBGROUPS_ROWS * SUBGROUPS_COLUMNS;
const BLOCK_ROWS = SUBGROUPS_ROWS * SUB_ROWS * MATRIX_M;
const BLOCK_COLUMNS = SUBGROUPS_COLUMNS * SUB_COLUMNS * MATRIX_N;
// What lies next to one another, in elements of the workgroup's memory, and how many rows of such there are in a step.
#ifdef A_ALONG
const ROW_A = BLOCK_ROWS / 8;
const ROWS_A = DEPTH;
#else
const ROW_A = DEPTH / 8;
const ROWS_A = BLOCK_ROWS;
#endif
#ifdef B_ALONG
const ROW_B = DEPTH / 8;
const ROWS_B = BLOCK_COLUMNS;
#else
const ROW_B = BLOCK_COLUMNS / 8;
const ROWS_B = DEPTH;
#endif
const PITCH_A = ROW_A | 1;
const PITCH_B = ROW_B | 1;
const TILE_A = ROWS_A * PITCH_A;
const TILE_B = ROWS_B * PITCH_B;
// Results of one row of matrices of every subgroup.
const STRIP_ROWS = SUBGROUPS_ROWS * MATRIX_M;
const STRIP_ROW = BLOCK_COLUMNS / 4;
const STRIP = STRIP_ROWS * STRIP_ROW;
const B_AT = PARTS * TILE_A;
const LOW_SCALE = 1024.0;
const LEAST_NORMAL = 0x1p-14;

var<workgroup> memory: array<vec4<u32>, max(PARTS * TILE_A + TILE_B, PARTS * STRIP)>;

// The q-th four numbers of a, of a step that begins at `depth`; 0 beyond the last row and depth.
fn load_a(q: u32, sample: u32, first_row: u32, depth: u32) -> vec4<StoredX> {
  let inner = q % (2 * ROW_A) * 4;
  let outer = q / (2 * ROW_A);
  let base = a_begin(sample);
#ifdef A_ALONG
  let at = base + (depth + outer) * params.aDepth + first_row + inner;
  let count = select(0u, params.rows - min(first_row + inner, params.rows), depth + outer < params.depth);
#else
  let at = base + (first_row + outer) * params.aRow + depth + inner;
  let count = select(0u, params.depth - min(depth + inner, params.depth), first_row + outer < params.rows);
#endif
  var value = vec4<StoredX>();
#ifdef WIDE
  if (count > 0) {
    value = a[at / 4];
  }
#else
#for m in 0..4
  if (count > ${m}) {
    value[${m}] = a[at + ${m}];
  }
#endfor
#endif
  return value;
}

fn load_b(q: u32, sample: u32, first_column: u32, depth: u32) -> vec4<StoredY> {
  let inner = q % (2 * ROW_B) * 4;
  let outer = q / (2 * ROW_B);
  let base = b_begin(sample);
#ifdef B_ALONG
  let at = base + (first_column + outer) * params.bColumn + depth + inner;
  let count = select(0u, params.depth - min(depth + inner, params.depth), first_column + outer < params.columns);
#else
  let at = base + (depth + outer) * params.bDepth + first_column + inner;
  let count = select(0u, params.columns - min(first_column + inner, params.columns), depth + outer < params.depth);
#endif
  var value = vec4<StoredY>();
#ifdef WIDE
  if (count > 0) {
    value = element_of_b(at / 4);
  }
#else
#for m in 0..4
  if (count > ${m}) {
    value[${m}] = element_of_b(at + ${m});
  }
#endfor
#endif
  return value;
}

#if PARTS == 2
// Cut, not rounded to f16 and back, which compilers may take for the number itself.
fn high_of(value: vec4<f32>) -> vec4<f32> {
  let cut = bitcast<vec4<f32>>(bitcast<vec4<u32>>(value) & vec4<u32>(0xffffe000));
  return select(vec4<f32>(), cut, abs(value) >= vec4<f32>(LEAST_NORMAL));
}
#endif

fn stage_a(s: u32, first: vec4<StoredX>, second: vec4<StoredX>) {
  let at = s / ROW_A * PITCH_A + s % ROW_A;
#if PARTS == 2
  let high_first = high_of(first);
  let high_second = high_of(second);
  memory[at] = packed(vec4<f16>(high_first), vec4<f16>(high_second));
  memory[TILE_A + at] =
    packed(vec4<f16>((first - high_first) * LOW_SCALE), vec4<f16>((second - high_second) * LOW_SCALE));
#else
  memory[at] = packed(first, second);
#endif
}

// The sums of the s-th four columns of a strip.
fn sums_of(s: u32) -> vec4<f32> {
  let high = bitcast<vec4<f32>>(memory[s]);
#if PARTS == 2
  return high + bitcast<vec4<f32>>(memory[STRIP + s]) / LOW_SCALE;
#else
  return high;
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let index = linear_workgroup(wid, num);
  let first_row = index / params.columnParts * BLOCK_ROWS;
  let first_column = index % params.columnParts * BLOCK_COLUMNS;
  if (first_row >= params.rows) {
    return;
  }
  let sample = wid.z;
  let subgroup_row = subgroup / SUBGROUPS_COLUMNS;
  let subgroup_column = subgroup % SUBGROUPS_COLUMNS;
  // Where the subgroup's rows and columns begin among those of a tile, and steps of a matrix along the depth.
#ifdef A_ALONG
  let a_at = subgroup_row * (SUB_ROWS * MATRIX_M / 8);
  const a_matrix = MATRIX_M / 8;
  const a_step = MATRIX_K * PITCH_A;
#else
  let a_at = subgroup_row * (SUB_ROWS * MATRIX_M * PITCH_A);
  const a_matrix = MATRIX_M * PITCH_A;
  const a_step = MATRIX_K / 8;
#endif
#ifdef B_ALONG
  let b_at = B_AT + subgroup_column * (SUB_COLUMNS * MATRIX_N * PITCH_B);
  const b_matrix = MATRIX_N * PITCH_B;
  const b_step = MATRIX_K / 8;
#else
  let b_at = B_AT + subgroup_column * (SUB_COLUMNS * MATRIX_N / 8);
  const b_matrix = MATRIX_N / 8;
  const b_step = MATRIX_K * PITCH_B;
#endif

#for p in 0..PARTS
#for i in 0..SUB_ROWS
#for j in 0..SUB_COLUMNS
  var sum_${p}_${i}_${j}: Result;
#endfor
#endfor
#endfor

  // The last element stands for those beyond it, which nobody stages.
#for l in 0..LOADS_A
  let a_${l} = min(local + ${l} * WORKGROUP, ROWS_A * ROW_A - 1);
  var next_a_${l}_0 = load_a(2 * a_${l}, sample, first_row, 0);
  var next_a_${l}_1 = load_a(2 * a_${l} + 1, sample, first_row, 0);
#endfor
#for l in 0..LOADS_B
  let b_${l} = min(local + ${l} * WORKGROUP, ROWS_B * ROW_B - 1);
  var next_b_${l} =
    packed(load_b(2 * b_${l}, sample, first_column, 0), load_b(2 * b_${l} + 1, sample, first_column, 0));
#endfor

  for (var depth = 0u; depth < params.depth; depth += DEPTH) {
    workgroupBarrier();
#for l in 0..LOADS_A
    if (local + ${l} * WORKGROUP == a_${l}) {
      stage_a(a_${l}, next_a_${l}_0, next_a_${l}_1);
    }
#endfor
#for l in 0..LOADS_B
    if (local + ${l} * WORKGROUP == b_${l}) {
      memory[B_AT + b_${l} / ROW_B * PITCH_B + b_${l} % ROW_B] = next_b_${l};
    }
#endfor
    workgroupBarrier();
    // After the last step these are zeros, which are not loaded.
    let next = depth + DEPTH;
#for l in 0..LOADS_A
    next_a_${l}_0 = load_a(2 * a_${l}, sample, first_row, next);
    next_a_${l}_1 = load_a(2 * a_${l} + 1, sample, first_row, next);
#endfor
#for l in 0..LOADS_B
    next_b_${l} = packed(
      load_b(2 * b_${l}, sample, first_column, next), load_b(2 * b_${l} + 1, sample, first_column, next));
#endfor
    for (var k = 0u; k < DEPTH / MATRIX_K; k++) {
#for j in 0..SUB_COLUMNS
#ifdef B_ALONG
      let right_${j} = subgroupMatrixLoad<Right, col_major>(&memory, b_at + k * b_step + ${j} * b_matrix, PITCH_B);
#else
      let right_${j} = subgroupMatrixLoad<Right, row_major>(&memory, b_at + k * b_step + ${j} * b_matrix, PITCH_B);
#endif
#endfor
#for p in 0..PARTS
#for i in 0..SUB_ROWS
      let left_at_${p}_${i} = ${p} * TILE_A + a_at + k * a_step + ${i} * a_matrix;
#ifdef A_ALONG
      let left_${p}_${i} = subgroupMatrixLoad<Left, col_major>(&memory, left_at_${p}_${i}, PITCH_A);
#else
      let left_${p}_${i} = subgroupMatrixLoad<Left, row_major>(&memory, left_at_${p}_${i}, PITCH_A);
#endif
#for j in 0..SUB_COLUMNS
      sum_${p}_${i}_${j} = subgroupMatrixMultiplyAccumulate(left_${p}_${i}, right_${j}, sum_${p}_${i}_${j});
#endfor
#endfor
#endfor
    }
  }

#for i in 0..SUB_ROWS
  workgroupBarrier();
#for p in 0..PARTS
#for j in 0..SUB_COLUMNS
  subgroupMatrixStore<row_major>(
    &memory,
    ${p} * STRIP + subgroup_row * (MATRIX_M * STRIP_ROW) + (subgroup_column * SUB_COLUMNS + ${j}) * (MATRIX_N / 4),
    sum_${p}_${i}_${j},
    STRIP_ROW);
#endfor
#endfor
  workgroupBarrier();
  for (var s = local; s < STRIP; s += WORKGROUP) {
    let strip_row = s / STRIP_ROW;
    let row = first_row + (strip_row / MATRIX_M * SUB_ROWS + ${i}) * MATRIX_M + strip_row % MATRIX_M;
    let column = first_column + s % STRIP_ROW * 4;
    if (row < params.rows && column < params.columns) {
      let sums = sums_of(s);
      for (var c = 0u; c < min(4u, params.columns - column); c++) {
        store(sample, row, column + c, sums[c]);
      }
    }
  }
#endfor
}
