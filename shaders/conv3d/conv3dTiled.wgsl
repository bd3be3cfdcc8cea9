// 3D convolution, its gradient with respect to the input, and transposed convolution for GPUs: a tiled implicit GEMM
// whose operands pass through workgroup memory: M = N Do Ho Wo positions, N = Co, K = KERNEL^3 Ci. The sums, phases of
// a transposed convolution, splits and bindings are those of shaders/shared/convBlocks.wgsl.
//
// A workgroup computes a block of BLOCK_X by BLOCK_Y by BLOCK_Z outputs of one sample for 4 BLOCK_C4 channels. For each
// CHUNK4 vec4s of input channels and each kz it stages an input tile: the planes that meet kz, with their halo in x and
// y. For each ky it stages the weights of a row of taps. (Planes are staged again for each kz, which keeps the input
// tile small enough for chunks of 8 channels in 16 KiB; the weights are the larger part of the traffic anyway.) An
// invocation holds THREAD_Y by THREAD_X outputs of a plane for THREAD_C4 vec4s of channels. A vec4 of x along its
// channels serves all taps of the row that touch it, and 4 THREAD_C4 vec4s of weights a tap serve all its outputs.
//
// Workgroup memory has no conflicts among the 8 lanes that read vec4s at a time: lanes lie along channels first, at one
// vec4 of x and at weights an odd number of vec4s apart; rows of the input tile are odd, so that at stride 1 fewer
// channels and more positions do not meet either. At a time an invocation holds 4 THREAD_X THREAD_Y THREAD_C4 sums, 4
// THREAD_X THREAD_Y inputs and a few weights. conv3dTiled.ts has the tiles, with what they cost.
//
// Constants: those of convBlocks.wgsl; THREAD_X, THREAD_Y, THREAD_C4; LANES_X, LANES_Y, LANES_Z, LANES_C, whose product
// is WORKGROUP; CHUNK4. With VEC4 weights are read as vec4s, along ci with WEIGHT_IN (weightIn is 1), else along co
// (weightOut is 1).
// Host: channelsPerSplit is a multiple of 4 CHUNK4, except that the last split may end early.
#import grid
#import convBlocks

const BLOCK_X = LANES_X * THREAD_X;
const BLOCK_Y = LANES_Y * THREAD_Y;
const BLOCK_Z = LANES_Z;
const BLOCK_C4 = LANES_C * THREAD_C4;
const WORKGROUP = LANES_X * LANES_Y * LANES_Z * LANES_C;
const INPUT_TILE_X = (BLOCK_X - 1) * STRIDE + KERNEL;
const INPUT_TILE_Y = (BLOCK_Y - 1) * STRIDE + KERNEL;
const INPUT_TILE = CHUNK4 * BLOCK_Z * INPUT_TILE_Y * INPUT_TILE_X;
const ROW = INPUT_TILE_X + 1 - INPUT_TILE_X % 2;
const PLANE = INPUT_TILE_Y * ROW;
// Slabs of one vec4 of channels; 4 modulo 8, so that lanes that store two of them at a time do not meet.
const SLAB = (BLOCK_Z * PLANE + 3) / 8 * 8 + 4;
const TILE_WEIGHTS = KERNEL * CHUNK4 * BLOCK_C4;
const LANE_WEIGHTS = KERNEL * 4 * THREAD_C4 + 1;
// Along a row, an invocation's outputs are neighbours, so that taps can share inputs; without neighbours, its lane's in
// each of THREAD_X runs, so that lanes read vec4s side by side.
const LANE_STEP = select(THREAD_X, 1, KERNEL == 1);
const OUTPUT_STEP = select(1, LANES_X, KERNEL == 1);

var<workgroup> input_tile: array<vec4<f32>, CHUNK4 * SLAB>;
// For each vec4 of input channels and each lane: taps, then channels of the vec4, then the lane's output channels. An
// inner index that is constant needs no bounds check.
var<workgroup> weights: array<array<vec4<f32>, LANE_WEIGHTS>, CHUNK4 * LANES_C>;

// Weights of one tap for four input channels (columns of the matrix) and four output channels; 0 beyond Ci.
fn load_weights(tap: i32, ci: i32, co: i32) -> mat4x4<f32> {
  let at = tap + ci * params.weightIn + co * params.weightOut;
#if defined(VEC4) && defined(WEIGHT_IN)
  return transpose(mat4x4<f32>(
#for m in 0..4
    weight[u32((at + ${m} * params.weightOut) / 4)],
#endfor
  ));
#elif defined(VEC4)
  return mat4x4<f32>(
#for m in 0..4
    weight[u32((at + ${m} * params.weightIn) / 4)],
#endfor
  );
#else
  var value = mat4x4<f32>();
  for (var m = 0; m < min(4, params.inC - ci); m++) {
    var row = vec4<f32>();
#for c in 0..4
    if (co + ${c} < params.outC) {
      row[${c}] = weight[u32(at + m * params.weightIn + ${c} * params.weightOut)];
    }
#endfor
    value[m] = row;
  }
  return value;
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let block = block_of(i32(linear_workgroup(wid, num)));
  if (block.split >= params.splits) {
    return;
  }
  let local = i32(local_index);
  let lane_c = local % LANES_C;
  let lane_x = local / LANES_C % LANES_X;
  let lane_y = local / (LANES_C * LANES_X) % LANES_Y;
  let lane_z = local / (LANES_C * LANES_X * LANES_Y);

  // The block's first position, and its input tile's first input.
  let first = block.tile * vec3<i32>(BLOCK_X, BLOCK_Y, BLOCK_Z);
  let origin = input_of(first, block.phase);
  let tap = first_tap(block.phase);
  let weight_first = first_weight(block.phase);
  let co_block = block.channels * (BLOCK_C4 * 4);
  let x_lane = (lane_z * INPUT_TILE_Y + lane_y * (THREAD_Y * STRIDE)) * ROW + lane_x * (LANE_STEP * STRIDE);

#for c in 0..THREAD_C4
  let bias_${c} = load_bias(co_block + (${c} * LANES_C + lane_c) * 4);
#for j in 0..THREAD_Y
#for i in 0..THREAD_X
  var acc_${j}_${i}_${c} = bias_${c};
#endfor
#endfor
#endfor

  let ci_end = min(params.inC, (block.split + 1) * params.channelsPerSplit);
  for (var ci0 = block.split * params.channelsPerSplit; ci0 < ci_end; ci0 += CHUNK4 * 4) {
    for (var kz = tap.z; kz < KERNEL; kz++) {
      for (var ky = tap.y; ky < KERNEL; ky++) {
        workgroupBarrier();
        if (ky == tap.y) {
          for (var s = local; s < INPUT_TILE; s += WORKGROUP) {
            let q = s % CHUNK4;
            let column = s / CHUNK4 % INPUT_TILE_X;
            let row = s / (CHUNK4 * INPUT_TILE_X) % INPUT_TILE_Y;
            let plane = s / (CHUNK4 * INPUT_TILE_X * INPUT_TILE_Y);
            let ix = origin.x + column;
            let iy = origin.y + row;
            let iz = origin.z + plane * STRIDE + kz;
            let ci = ci0 + q * 4;
            var value = vec4<f32>();
            if (
              ix >= 0 && ix < params.inW && iy >= 0 && iy < params.inH && iz >= 0 && iz < params.inD && ci < ci_end
            ) {
              value = vec4<f32>(load_x(((block.sample * params.inD + iz) * params.inH + iy) * params.inW + ix, ci));
            }
            input_tile[q * SLAB + plane * PLANE + row * ROW + column] = value;
          }
        }
        let row_weights = weight_first + kz * params.weightZ + ky * params.weightY;
        for (var s = local; s < TILE_WEIGHTS; s += WORKGROUP) {
          // Neighbouring lanes load what lies side by side.
#ifdef WEIGHT_IN
          let q = s % CHUNK4;
          let c4 = s / CHUNK4 % BLOCK_C4;
#else
          let c4 = s % BLOCK_C4;
          let q = s / BLOCK_C4 % CHUNK4;
#endif
          let kx = s / (BLOCK_C4 * CHUNK4);
          let ci = ci0 + q * 4;
          let co = co_block + c4 * 4;
          var value = mat4x4<f32>();
          if (kx >= tap.x && ci < ci_end && co < params.outC) {
            value = load_weights(row_weights + kx * params.weightX, ci, co);
          }
          let lane = q * LANES_C + c4 % LANES_C;
          let at = kx * (4 * THREAD_C4) + c4 / LANES_C;
#for m in 0..4
          weights[lane][at + ${m} * THREAD_C4] = value[${m}];
#endfor
        }
        workgroupBarrier();

        for (var q = 0; q < CHUNK4; q++) {
          let x_at = q * SLAB + x_lane + ky * ROW;
          let w_at = q * LANES_C + lane_c;
#for kx in 0..KERNEL
          // Of the inputs of this tap, those that the taps before it have not loaded: the last, from tap STRIDE on.
#for j in 0..THREAD_Y
#for i in 0..THREAD_X
#if kx < STRIDE || i == THREAD_X - 1
          let x_${j}_${i*STRIDE+kx} = input_tile[x_at + ${j} * (STRIDE * ROW) + ${i} * (STRIDE * OUTPUT_STEP) + ${kx}];
#endif
#endfor
#endfor
#for m in 0..4
#for c in 0..THREAD_C4
          let w_${kx}_${m}_${c} = weights[w_at][${(kx*4+m)*THREAD_C4+c}];
#for j in 0..THREAD_Y
#for i in 0..THREAD_X
          acc_${j}_${i}_${c} = fma(vec4<f32>(x_${j}_${i*STRIDE+kx}[${m}]), w_${kx}_${m}_${c}, acc_${j}_${i}_${c});
#endfor
#endfor
#endfor
#endfor
#endfor
        }
      }
    }
  }

#for j in 0..THREAD_Y
#for i in 0..THREAD_X
  {
    let position = first + vec3<i32>(lane_x * LANE_STEP + ${i} * OUTPUT_STEP, lane_y * THREAD_Y + ${j}, lane_z);
    let at = element_of(block.sample, output_of(position, block.phase));
    if (at >= 0) {
#for c in 0..THREAD_C4
      store(at, block.split * params.splitSize, co_block + (${c} * LANES_C + lane_c) * 4, acc_${j}_${i}_${c});
#endfor
    }
  }
#endfor
#endfor
}
