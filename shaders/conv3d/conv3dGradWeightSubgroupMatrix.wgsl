// Gradient of a 3D convolution with respect to its weights on subgroup matrices, first of two passes: the sums of
// conv3dGradWeightTiled.wgsl, for x and gradY in half precision.
//
//   partial[s, k, ci, co] = sum over positions o of split s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions. Products of f16 are exact and their sums are f32.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [splits, KERNEL, KERNEL, KERNEL, Ci, Co], with
// TRANSPOSED [splits, KERNEL, KERNEL, KERNEL, Co, Ci]. With `accumulate` there is one split, and `partial` is the
// gradient itself, added to what is there.
//
// A workgroup computes the KERNEL taps of one kz and ky, for BLOCK_I input and BLOCK_O output channels; a subgroup
// holds the sums of all these taps for SUB_I matrices of input by SUB_O of output channels. Only rows of gradY that the
// tap (kz, ky) meets inside the grid are gone through, LINES lines of LINE positions at a time (a block).
//
// A line is part of a row where rows are wide: rowPitch = SLOTS, rows = 1. Narrow rows lie behind one another in a
// line, rowPitch = Wo + HALO slots apart: gradY is zero between them, so that a matrix may reach over several. Of x,
// the slots of a line are the inputs of its positions for tap 0, and a tap kx is so many slots on: kx % STRIDE tells
// the phase, the columns of one remainder by STRIDE, kx / STRIDE the slots. So x^T of a tap is a matrix whose columns
// lie one pitch apart, whatever the stride.
//
// Where the voxels of a block lie is worked out once for all channels (voxels_x, voxels_g), and operands of the next
// block are on their way from memory while this one is multiplied. Rows of operands are an odd number of 16 bytes
// apart, so that eight of them lie in different banks. conv3dGradWeightSubgroupMatrix.ts has the tiles.
//
// Constants: KERNEL, STRIDE, those of shared/subgroupMatrix.wgsl, SUBGROUPS_I, SUBGROUPS_O, SUB_I, SUB_O, LINE (a
// multiple of MATRIX_K), LINES; LOADS_X, LOADS_G: elements of 8 channels of a block that an invocation loads; VEC4 (Ci
// and Co are multiples of 4), TRANSPOSED; X_F16, Y_F16: always.
// Dispatch: workgroups1d(splits * KERNEL^2 * blocksI * blocksO).
#import grid
#import gradWeightInput4
#import subgroupMatrix

struct Params {
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  batch: i32,
  pad: i32,
  rows: i32,       // of gradY in a line
  rowPitch: i32,  // slots from one to the next
  tilesX: i32,    // lines in a row, rounded up
  splits: i32,
  blocksI: i32, blocksO: i32,
  accumulate: i32,
}

@group(0) @binding(3) var<storage, read_write> partial: array<Real>;

const WORKGROUP = SUBGROUP_SIZE * SUBGROUPS_I * SUBGROUPS_O;
const BLOCK_I = SUBGROUPS_I * SUB_I * MATRIX_M;
const BLOCK_O = SUBGROUPS_O * SUB_O * MATRIX_N;
const HALO = (KERNEL + STRIDE - 1) / STRIDE - 1;
const PHASES = min(KERNEL, STRIDE);
const SLOTS = LINE + HALO;
const STEPS = LINE / MATRIX_K;
const SLOTS_X = LINES * PHASES * SLOTS;
const SLOTS_G = LINES * LINE;
// In elements of the workgroup's memory.
const ROW_I = BLOCK_I / 8;
const ROW_O = BLOCK_O / 8;
const PITCH_I = ROW_I | 1;
const PITCH_O = ROW_O | 1;
const INPUTS = SLOTS_X * PITCH_I;
// Results of one tap and one matrix of input channels of every subgroup, in the order of the gradient.
const INPUTS_OF_STRIP = SUBGROUPS_I * MATRIX_M;
#ifdef TRANSPOSED
const STRIP_ROWS = BLOCK_O;
const STRIP_ROW = INPUTS_OF_STRIP / 4;
#else
const STRIP_ROWS = INPUTS_OF_STRIP;
const STRIP_ROW = BLOCK_O / 4;
#endif

var<workgroup> memory: array<vec4<u32>, max(INPUTS + SLOTS_G * PITCH_O, STRIP_ROWS * STRIP_ROW)>;
// Voxels of the slots, -1 where there is zero.
var<workgroup> voxels_x: array<i32, SLOTS_X>;
var<workgroup> voxels_g: array<i32, SLOTS_G>;

// Four channels; 0 beyond the last, and where there is no voxel.
fn stage_x(voxel: i32, ci: i32) -> vec4<f16> {
  if (voxel < 0 || ci >= params.inC) {
    return vec4<f16>();
  }
  return load_x(voxel, ci);
}

fn stage_gradient(voxel: i32, co: i32) -> vec4<f16> {
  if (voxel < 0 || co >= params.outC) {
    return vec4<f16>();
  }
  return load_gradient(voxel, co);
}

// Along one axis, the outputs from the first to before the second that meet tap k inside the grid.
fn range(k: i32, inputs: i32, outputs: i32) -> vec2<i32> {
  let before = params.pad - k;
  let first = select(0, (before + STRIDE - 1) / STRIDE, before > 0);
  let last = inputs - 1 + before;
  let end = select(0, min(outputs, last / STRIDE + 1), last >= 0);
  return vec2<i32>(first, max(first, end));
}

// Where the voxels of a block lie.
fn find_voxels(block: i32, local: i32, kz: i32, ky: i32, oz: vec2<i32>, oy: vec2<i32>) {
  let size = vec2<i32>(oz.y - oz.x, oy.y - oy.x);
  let all = params.batch * size.x * size.y;
  let first_x = block % params.tilesX * LINE;
  let first_row = block / params.tilesX * (LINES * params.rows);
  for (var s = local; s < LINES * SLOTS; s += WORKGROUP) {
    let line = s / SLOTS;
    let slot = s % SLOTS;
    let of_line = slot / params.rowPitch;
    let row = first_row + line * params.rows + of_line;
    let some = of_line < params.rows && row < all;
    let z = oz.x + row / size.y % size.x;
    let y = oy.x + row % size.y;
    let n = row / (size.x * size.y);
    let column = first_x + slot % params.rowPitch;
    let in_plane = (n * params.inD + z * STRIDE - params.pad + kz) * params.inH;
    let in_row = (in_plane + y * STRIDE - params.pad + ky) * params.inW;
    for (var phase = 0; phase < PHASES; phase++) {
      let ix = column * STRIDE - params.pad + phase;
      voxels_x[(line * PHASES + phase) * SLOTS + slot] = select(-1, in_row + ix, some && ix >= 0 && ix < params.inW);
    }
    if (slot < LINE) {
      let voxel = ((n * params.outD + z) * params.outH + y) * params.outW + column;
      voxels_g[line * LINE + slot] = select(-1, voxel, some && column < params.outW);
    }
  }
}

// So many of four numbers that lie next to one another in the gradient.
fn store(at: i32, count: i32, sums: vec4<f32>) {
#ifdef VEC4
  var value = sums;
  if (params.accumulate != 0) {
    value += partial[u32(at / 4)];
  }
  partial[u32(at / 4)] = value;
#else
  for (var c = 0; c < min(4, count); c++) {
    var value = sums[c];
    if (params.accumulate != 0) {
      value += partial[u32(at + c)];
    }
    partial[u32(at + c)] = value;
  }
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
  @builtin(subgroup_id) subgroup_index: u32,
) {
  var index = i32(linear_workgroup(wid, num));
  let ci_block = index % params.blocksI * BLOCK_I;
  index /= params.blocksI;
  let co_block = index % params.blocksO * BLOCK_O;
  index /= params.blocksO;
  let ky = index % KERNEL;
  let kz = index / KERNEL % KERNEL;
  let split = index / (KERNEL * KERNEL);
  if (split >= params.splits) {
    return;
  }
  let local = i32(local_index);
  let subgroup = i32(subgroup_index);
  let subgroup_i = subgroup / SUBGROUPS_O;
  let subgroup_o = subgroup % SUBGROUPS_O;

  let oz = range(kz, params.inD, params.outD);
  let oy = range(ky, params.inH, params.outH);
  let rows = params.batch * (oz.y - oz.x) * (oy.y - oy.x);
  let rows_a_block = LINES * params.rows;
  let blocks = (rows + rows_a_block - 1) / rows_a_block * params.tilesX;
  let blocks_per_split = (blocks + params.splits - 1) / params.splits;
  let begin = min(blocks, split * blocks_per_split);
  let end = min(blocks, begin + blocks_per_split);

#for kx in 0..KERNEL
#for i in 0..SUB_I
#for o in 0..SUB_O
  var sum_${kx}_${i}_${o}: Result;
#endfor
#endfor
#endfor

#for l in 0..LOADS_X
  var next_x_${l} = vec4<u32>();
#endfor
#for l in 0..LOADS_G
  var next_g_${l} = vec4<u32>();
#endfor

  // Before the first block there is none to multiply, after the last there is none to load.
  for (var block = begin - 1; block < end; block++) {
    workgroupBarrier();
    if (block >= begin) {
#for l in 0..LOADS_X
      {
        let s = local + ${l} * WORKGROUP;
        if (s < SLOTS_X * ROW_I) {
          memory[s / ROW_I * PITCH_I + s % ROW_I] = next_x_${l};
        }
      }
#endfor
#for l in 0..LOADS_G
      {
        let s = local + ${l} * WORKGROUP;
        if (s < SLOTS_G * ROW_O) {
          memory[INPUTS + s / ROW_O * PITCH_O + s % ROW_O] = next_g_${l};
        }
      }
#endfor
    }
    if (block + 1 < end) {
      find_voxels(block + 1, local, kz, ky, oz, oy);
    }
    workgroupBarrier();
    if (block + 1 < end) {
#for l in 0..LOADS_X
      {
        let s = min(local + ${l} * WORKGROUP, SLOTS_X * ROW_I - 1);
        let voxel = voxels_x[s / ROW_I];
        let ci = ci_block + s % ROW_I * 8;
        next_x_${l} = packed(stage_x(voxel, ci), stage_x(voxel, ci + 4));
      }
#endfor
#for l in 0..LOADS_G
      {
        let s = min(local + ${l} * WORKGROUP, SLOTS_G * ROW_O - 1);
        let voxel = voxels_g[s / ROW_O];
        let co = co_block + s % ROW_O * 8;
        next_g_${l} = packed(stage_gradient(voxel, co), stage_gradient(voxel, co + 4));
      }
#endfor
    }
    if (block < begin) {
      continue;
    }
    for (var step = 0; step < LINES * STEPS; step++) {
      let x_slot = step / STEPS * (PHASES * SLOTS) + step % STEPS * MATRIX_K;
      let x_at = x_slot * PITCH_I + subgroup_i * (SUB_I * MATRIX_M / 8);
      let g_at = INPUTS + step * MATRIX_K * PITCH_O + subgroup_o * (SUB_O * MATRIX_N / 8);
#for o in 0..SUB_O
      let g_${o} = subgroupMatrixLoad<Right, row_major>(&memory, g_at + ${o} * (MATRIX_N / 8), PITCH_O);
#endfor
#for kx in 0..KERNEL
#for i in 0..SUB_I
      let x_${kx}_${i} = subgroupMatrixLoad<Left, col_major>(
        &memory, x_at + (${kx%STRIDE} * SLOTS + ${kx/STRIDE}) * PITCH_I + ${i} * (MATRIX_M / 8), PITCH_I);
#for o in 0..SUB_O
      sum_${kx}_${i}_${o} = subgroupMatrixMultiplyAccumulate(x_${kx}_${i}, g_${o}, sum_${kx}_${i}_${o});
#endfor
#endfor
#endfor
    }
  }

  let tap_row = ((split * KERNEL + kz) * KERNEL + ky) * KERNEL;
#for kx in 0..KERNEL
#for i in 0..SUB_I
  workgroupBarrier();
#for o in 0..SUB_O
  {
    let strip_i = subgroup_i * MATRIX_M;
    let strip_o = (subgroup_o * SUB_O + ${o}) * MATRIX_N;
#ifdef TRANSPOSED
    subgroupMatrixStore<col_major>(&memory, strip_o * STRIP_ROW + strip_i / 4, sum_${kx}_${i}_${o}, STRIP_ROW);
#else
    subgroupMatrixStore<row_major>(&memory, strip_i * STRIP_ROW + strip_o / 4, sum_${kx}_${i}_${o}, STRIP_ROW);
#endif
  }
#endfor
  workgroupBarrier();
  for (var s = local; s < STRIP_ROWS * STRIP_ROW; s += WORKGROUP) {
    let row = s / STRIP_ROW;
    let column = s % STRIP_ROW * 4;
#ifdef TRANSPOSED
    let ci = ci_block + (column / MATRIX_M * SUB_I + ${i}) * MATRIX_M + column % MATRIX_M;
    let co = co_block + row;
    let at = ((tap_row + ${kx}) * params.outC + co) * params.inC + ci;
    let count = params.inC - ci;
#else
    let ci = ci_block + (row / MATRIX_M * SUB_I + ${i}) * MATRIX_M + row % MATRIX_M;
    let co = co_block + column;
    let at = ((tap_row + ${kx}) * params.inC + ci) * params.outC + co;
    let count = params.outC - co;
#endif
    if (ci < params.inC && co < params.outC) {
      store(at, count, bitcast<vec4<f32>>(memory[s]));
    }
  }
#endfor
#endfor
}
