// 3D convolution, its gradient with respect to the input, and transposed convolution of activations in half precision,
// on the tensor cores of a GPU: an implicit GEMM of subgroup matrices, M = positions, N = Co, K = KERNEL^3 Ci. The
// sums, phases of a transposed convolution, splits and bindings are those of shaders/shared/convBlocks.wgsl. Weights
// are rounded to f16, products are exact, and sums are f32.
//
// A workgroup of SUBGROUPS_M by SUBGROUPS_N subgroups computes BLOCK_M positions for BLOCK_N channels, a subgroup
// TILES_M by TILES_N result matrices. For each CHUNK input channels it stages inputs and the weights of TAPS taps as
// f16, 0 where there are none, and every subgroup multiplies its part of them: TILES_M TILES_N products for TILES_M +
// TILES_N loads. Positions are laid out in one of two ways:
//
// - A block of BLOCK_X by BLOCK_Y by BLOCK_Z positions, where BLOCK_X is a multiple of MATRIX_M, so that the rows of a
//   matrix lie along x. For each kz it stages an input tile: the planes that meet kz, with their halo in x and y. The
//   inputs of another tap are the same matrix at another offset of it, so that they are staged once for KERNEL^2 taps.
// - With GATHER, BLOCK_M consecutive positions of the flattened grid: no row of a matrix is lost however narrow the
//   grid, but each tap stages inputs of its own. TAPS is 1.
//
// Workgroup memory is that of shaders/shared/subgroupMatrix.wgsl: operands and, at the end, results. Rows of operands
// are an odd number of elements apart, so that eight of them lie in different banks. Addresses in it are u32, as their
// divisions are cheaper; sizes and positions are i32.
//
// Constants: those of convBlocks.wgsl, of which X_F16 is always there; MATRIX_M, MATRIX_N, MATRIX_K, which the adapter
// lists, the last two multiples of 8; SUBGROUP_SIZE; SUBGROUPS_M, SUBGROUPS_N, TILES_M, TILES_N; CHUNK, a multiple of
// MATRIX_K; TAPS, 1 or KERNEL; BLOCK_X, BLOCK_Y, BLOCK_Z, whose product is BLOCK_M; or GATHER, and STAGED, the elements
// of inputs that an invocation stages: BLOCK_M CHUNK / 8 / WORKGROUP, rounded up. WEIGHT_IN: weightIn is 1, and
// weights are read along ci; else weightOut is 1, and they are read along co.
// Host: channelsPerSplit is a multiple of CHUNK. With GATHER samples is 1, and tilesX covers the grid of all
// samples, which has `positions`.
#import grid
#import convBlocks
#import subgroupMatrix

const WORKGROUP = SUBGROUPS_M * SUBGROUPS_N * SUBGROUP_SIZE;
const BLOCK_M = SUBGROUPS_M * TILES_M * MATRIX_M;
const BLOCK_N = SUBGROUPS_N * TILES_N * MATRIX_N;
// Sizes in elements of the workgroup's memory.
const CHUNK8 = CHUNK / 8;
const X_PITCH = CHUNK8 + 1 - CHUNK8 % 2;
#ifdef GATHER
const VOXELS = BLOCK_M;
#else
const INPUT_TILE_X = (BLOCK_X - 1) * STRIDE + KERNEL;
const INPUT_TILE_Y = (BLOCK_Y - 1) * STRIDE + KERNEL;
const VOXELS = BLOCK_Z * INPUT_TILE_Y * INPUT_TILE_X;
#endif
const INPUTS = VOXELS * X_PITCH;
#ifdef WEIGHT_IN
// A row is an output channel.
const WEIGHT_ROWS = BLOCK_N;
const WEIGHT_ROW = CHUNK8;
const WEIGHT_PITCH = WEIGHT_ROW + 1 - WEIGHT_ROW % 2;
const STEP_N = MATRIX_N * WEIGHT_PITCH;
const STEP_K = MATRIX_K / 8;
#else
// A row is an input channel.
const WEIGHT_ROWS = CHUNK;
const WEIGHT_ROW = BLOCK_N / 8;
const WEIGHT_PITCH = WEIGHT_ROW + 1 - WEIGHT_ROW % 2;
const STEP_N = MATRIX_N / 8;
const STEP_K = MATRIX_K * WEIGHT_PITCH;
#endif
const TAP = WEIGHT_ROWS * WEIGHT_PITCH;
// Results of one row of matrices of every subgroup.
const STRIP_ROWS = SUBGROUPS_M * MATRIX_M;
const STRIP_ROW = BLOCK_N / 4;
const MEMORY = max(INPUTS + TAPS * TAP, STRIP_ROWS * STRIP_ROW);

var<workgroup> memory: array<vec4<u32>, MEMORY>;

// Stages eight input channels of a voxel, 0 beyond ci_end or the grid.
fn stage_inputs(at: u32, sample: i32, voxel: vec3<i32>, ci: i32, ci_end: i32) {
  var value = vec4<u32>();
  if (ci < ci_end && all(voxel >= vec3<i32>(0)) && all(voxel < vec3<i32>(params.inW, params.inH, params.inD))) {
    let v = ((sample * params.inD + voxel.z) * params.inH + voxel.y) * params.inW + voxel.x;
    var high = vec4<f16>();
    if (ci + 4 < ci_end) {
      high = load_x(v, ci + 4);
    }
    value = packed(load_x(v, ci), high);
  }
  memory[at] = value;
}

// Four weights of a tap, along ci with WEIGHT_IN, else along co; 0 beyond ci_end and Co.
fn load_weights(tap: i32, ci: i32, co: i32, ci_end: i32) -> vec4<f16> {
  var value = vec4<f32>();
  if (ci < ci_end && co < params.outC) {
    let at = tap + ci * params.weightIn + co * params.weightOut;
#ifdef VEC4
    value = weight[u32(at / 4)];
#else
#for m in 0..4
#ifdef WEIGHT_IN
    if (ci + ${m} < ci_end) {
#else
    if (co + ${m} < params.outC) {
#endif
      value[${m}] = weight[u32(at + ${m})];
    }
#endfor
#endif
  }
  return vec4<f16>(value);
}

#ifdef GATHER
// Which sample and position is the p-th of the flattened grid.
fn position_of(p: i32) -> vec4<i32> {
#ifdef TRANSPOSED_KERNEL
  let width = (params.outW + 1) / 2;
  let height = (params.outH + 1) / 2;
  let depth = (params.outD + 1) / 2;
#else
  let width = params.outW;
  let height = params.outH;
  let depth = params.outD;
#endif
  let row = p / width;
  let plane = row / height;
  return vec4<i32>(p % width, row % height, plane % depth, plane / depth);
}
#else
// Where the r-th position lies in its block.
fn in_block(r: u32) -> vec3<i32> {
  return vec3<i32>(vec3<u32>(r % BLOCK_X, r / BLOCK_X % BLOCK_Y, r / (BLOCK_X * BLOCK_Y)));
}
#endif

// The element of y that the r-th position of a block begins at; -1 beyond the grid.
fn target_of(block: Block, r: u32) -> i32 {
#ifdef GATHER
  let p = block.tile.x * BLOCK_M + i32(r);
  if (p >= params.positions) {
    return -1;
  }
  let position = position_of(p);
  return element_of(position.w, output_of(position.xyz, block.phase));
#else
  let position = block.tile * vec3<i32>(BLOCK_X, BLOCK_Y, BLOCK_Z) + in_block(r);
  return element_of(block.sample, output_of(position, block.phase));
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let block = block_of(i32(linear_workgroup(wid, num)));
  if (block.split >= params.splits) {
    return;
  }
  let subgroup_m = subgroup % SUBGROUPS_M;
  let subgroup_n = subgroup / SUBGROUPS_M;
  let tap = first_tap(block.phase);
  let weight_first = first_weight(block.phase);
  let co_block = block.channels * BLOCK_N;

#ifdef GATHER
  // The sample and the first input of the positions that this invocation stages; nowhere beyond the grid.
#for r in 0..STAGED
  let p_${r} = block.tile.x * BLOCK_M + i32((local + ${r} * WORKGROUP) / CHUNK8);
  let position_${r} = position_of(p_${r});
  let input_${r} = select(vec3<i32>(-16), input_of(position_${r}.xyz, block.phase), p_${r} < params.positions);
#endfor
#else
  let origin = input_of(block.tile * vec3<i32>(BLOCK_X, BLOCK_Y, BLOCK_Z), block.phase);
#endif

  // Where the subgroup's first matrices lie among the inputs of the first tap, and its first weights.
#for i in 0..TILES_M
  let row_${i} = (subgroup_m * TILES_M + ${i}) * MATRIX_M;
#ifdef GATHER
  let x_at_${i} = row_${i} * X_PITCH;
#else
  let in_tile_${i} = vec3<u32>(in_block(row_${i})) * vec3<u32>(STRIDE, STRIDE, 1);
  let x_at_${i} = ((in_tile_${i}.z * INPUT_TILE_Y + in_tile_${i}.y) * INPUT_TILE_X + in_tile_${i}.x) * X_PITCH;
#endif
#endfor
  let w_at = INPUTS + subgroup_n * (TILES_N * STEP_N);

#for i in 0..TILES_M
#for j in 0..TILES_N
  var acc_${i}_${j}: Result;
#endfor
#endfor

  let ci_end = min(params.inC, (block.split + 1) * params.channelsPerSplit);
  for (var ci0 = block.split * params.channelsPerSplit; ci0 < ci_end; ci0 += CHUNK) {
    for (var kz = tap.z; kz < KERNEL; kz++) {
      for (var ky = tap.y; ky < KERNEL; ky++) {
        let first_kx = tap.x / TAPS * TAPS;
        for (var kx0 = first_kx; kx0 < KERNEL; kx0 += TAPS) {
          workgroupBarrier();
#ifdef GATHER
#for r in 0..STAGED
          {
            let s = local + ${r} * WORKGROUP;
            if (s < BLOCK_M * CHUNK8) {
              let q = s % CHUNK8;
              let voxel = input_${r} + vec3<i32>(kx0, ky, kz);
              stage_inputs(s / CHUNK8 * X_PITCH + q, position_${r}.w, voxel, ci0 + i32(q * 8), ci_end);
            }
          }
#endfor
#else
          if (ky == tap.y && kx0 == first_kx) {
            for (var s = local; s < VOXELS * CHUNK8; s += WORKGROUP) {
              let q = s % CHUNK8;
              let v = s / CHUNK8;
              let plane = v / (INPUT_TILE_X * INPUT_TILE_Y) * STRIDE;
              let in_tile = vec3<u32>(v % INPUT_TILE_X, v / INPUT_TILE_X % INPUT_TILE_Y, plane);
              let voxel = origin + vec3<i32>(in_tile) + vec3<i32>(0, 0, kz);
              stage_inputs(v * X_PITCH + q, block.sample, voxel, ci0 + i32(q * 8), ci_end);
            }
          }
#endif
          let row_weights = weight_first + kz * params.weightZ + ky * params.weightY;
          for (var s = local; s < TAPS * WEIGHT_ROWS * WEIGHT_ROW; s += WORKGROUP) {
            let c8 = s % WEIGHT_ROW * 8;
            let row = s / WEIGHT_ROW % WEIGHT_ROWS;
            let t = s / (WEIGHT_ROW * WEIGHT_ROWS);
            let kx = kx0 + i32(t);
            let tap_weights = row_weights + kx * params.weightX;
            var value = vec4<u32>();
            if (kx >= tap.x) {
#ifdef WEIGHT_IN
              let ci = ci0 + i32(c8);
              let co = co_block + i32(row);
              value = packed(load_weights(tap_weights, ci, co, ci_end), load_weights(tap_weights, ci + 4, co, ci_end));
#else
              let ci = ci0 + i32(row);
              let co = co_block + i32(c8);
              value = packed(load_weights(tap_weights, ci, co, ci_end), load_weights(tap_weights, ci, co + 4, ci_end));
#endif
            }
            memory[INPUTS + t * TAP + row * WEIGHT_PITCH + c8 / 8] = value;
          }
          workgroupBarrier();

#ifdef GATHER
          const x_tap = 0;
          const x_stride = X_PITCH;
#else
          let x_tap = u32(ky * INPUT_TILE_X + kx0) * X_PITCH;
          const x_stride = STRIDE * X_PITCH;
#endif
          for (var t = 0u; t < TAPS; t++) {
            for (var c = 0u; c < CHUNK / MATRIX_K; c++) {
              let x_step = x_tap + t * X_PITCH + c * (MATRIX_K / 8);
              let w_step = w_at + t * TAP + c * STEP_K;
#for i in 0..TILES_M
              let x_${i} = subgroupMatrixLoad<Left, row_major>(&memory, x_at_${i} + x_step, x_stride);
#endfor
#for j in 0..TILES_N
#ifdef WEIGHT_IN
              let w_${j} = subgroupMatrixLoad<Right, col_major>(&memory, w_step + ${j} * STEP_N, WEIGHT_PITCH);
#else
              let w_${j} = subgroupMatrixLoad<Right, row_major>(&memory, w_step + ${j} * STEP_N, WEIGHT_PITCH);
#endif
#for i in 0..TILES_M
              acc_${i}_${j} = subgroupMatrixMultiplyAccumulate(x_${i}, w_${j}, acc_${i}_${j});
#endfor
#endfor
            }
          }
        }
      }
    }
  }

#for i in 0..TILES_M
  workgroupBarrier();
#for j in 0..TILES_N
  subgroupMatrixStore<row_major>(
    &memory,
    subgroup_m * (MATRIX_M * STRIP_ROW) + (subgroup_n * TILES_N + ${j}) * (MATRIX_N / 4),
    acc_${i}_${j},
    STRIP_ROW);
#endfor
  workgroupBarrier();
  for (var s = local; s < STRIP_ROWS * STRIP_ROW; s += WORKGROUP) {
    let row = s / STRIP_ROW;
    let at = target_of(block, (row / MATRIX_M * TILES_M + ${i}) * MATRIX_M + row % MATRIX_M);
    if (at >= 0) {
      let co = co_block + i32(s % STRIP_ROW * 4);
      store(at, block.split * params.splitSize, co, bitcast<vec4<f32>>(memory[s]) + load_bias(co));
    }
  }
#endfor
}
