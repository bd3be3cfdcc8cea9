// 3D convolution, its gradient with respect to the input, and transposed convolution for GPUs: a tiled implicit GEMM
// whose operands pass through workgroup memory. The sums of conv3d.wgsl,
//
//   y[n, o, co] = bias[co] + addend[n, o, co]
//                 + sum over taps k and channels ci of x[n, o S - pad + k, ci] weight[k, ci, co]
//
// and, with PARITY, those of convTranspose3d.wgsl. As a GEMM: M = N Do Ho Wo positions, N = Co, K = KERNEL^3 Ci.
//
// A workgroup computes a block of BLOCK_X by BLOCK_Y by BLOCK_Z outputs of one sample for 4 BLOCK_C4 channels. For each
// CHUNK4 vec4s of input channels and each kz it stages a brick of inputs: the planes that meet kz, with their halo in x
// and y. For each ky it stages the weights of a row of taps. (Planes are staged again for each kz, which keeps the
// brick small enough for chunks of 8 channels in 16 KiB; the weights are the larger part of the traffic anyway.) An
// invocation holds THREAD_Y by THREAD_X outputs of a plane for THREAD_C4 vec4s of channels. A vec4 of x along its
// channels serves all taps of the row that touch it, and 4 THREAD_C4 vec4s of weights a tap serve all its outputs.
//
// Workgroup memory has no conflicts among the 8 lanes that read vec4s at a time: lanes lie along channels first, at one
// vec4 of x and at weights an odd number of vec4s apart; rows of the brick are odd, so that at stride 1 fewer channels
// and more positions do not meet either. At a time an invocation holds 4 THREAD_X THREAD_Y THREAD_C4 sums,
// 4 THREAD_X THREAD_Y inputs and a few weights. conv3dBrickTiles.ts has the tiles, with what they cost.
//
// With PARITY = the full kernel, stride 2 transposed: along an axis write o + pad = 2 q + r. Only the taps r + 2 j meet
// o, at i = q - j, so that each of the 8 classes r is a convolution of stride 1 over q, whose KERNEL = ceil(PARITY / 2)
// taps are read backwards. A workgroup works on one class. An odd kernel lacks the last tap of the classes r = 1.
//
// Few outputs are not enough workgroups for a GPU. Then the sum is cut into slices of the input channels, y is
// [slices, N, Do, Ho, Wo, Co], and conv3dBrickSum.wgsl adds them in order.
//
// Bindings: x [N, D, H, W, Ci], weight, bias [Co] (read only where has_bias is 1), y, and with ADDEND addend (as y). The
// weight of (kz, ky, kx, ci, co) lies at weight_first + kz weight_z + ky weight_y + kx weight_x + ci weight_in +
// co weight_out, so that gradients read the forward weights where they are: backwards, with channels exchanged.
//
// Constants: KERNEL, STRIDE, PARITY (or undefined); THREAD_X, THREAD_Y, THREAD_C4; LANES_X, LANES_Y, LANES_Z, LANES_C,
// whose product is WORKGROUP; CHUNK4; ADDEND. VEC4: Ci and Co are multiples of 4; then weights are read as vec4s, along
// ci with WEIGHT_IN (weight_in is 1), else along co (weight_out is 1). X_F16, Y_F16: x, addend and y are stored in half
// precision.
// Host: channels_per_slice is a multiple of 4 CHUNK4, except that the last slice may end early.
// Dispatch: workgroups1d(slices * N * tiles_z * tiles_y * tiles_x * (8 with PARITY) * blocks_c); tiles cover outputs,
// or ceil(size / 2) values of q an axis.
#import grid
#import storagePair

struct Params {
  samples: i32,
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  tiles_x: u32, tiles_y: u32, tiles_z: u32, blocks_c: u32,
  slices: u32, channels_per_slice: i32,
  weight_first: i32, weight_z: i32, weight_y: i32, weight_x: i32, weight_in: i32, weight_out: i32,
  has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> weight: array<Real>;
@group(0) @binding(3) var<storage, read> bias: array<Real>;
@group(0) @binding(4) var<storage, read_write> y: array<StoredY>;
#ifdef ADDEND
@group(0) @binding(5) var<storage, read> addend: array<StoredY>;
#endif

const BLOCK_X = LANES_X * THREAD_X;
const BLOCK_Y = LANES_Y * THREAD_Y;
const BLOCK_Z = LANES_Z;
const BLOCK_C4 = LANES_C * THREAD_C4;
const WORKGROUP = LANES_X * LANES_Y * LANES_Z * LANES_C;
const BRICK_X = (BLOCK_X - 1) * STRIDE + KERNEL;
const BRICK_Y = (BLOCK_Y - 1) * STRIDE + KERNEL;
const BRICK = CHUNK4 * BLOCK_Z * BRICK_Y * BRICK_X;
const ROW = BRICK_X + 1 - BRICK_X % 2;
const PLANE = BRICK_Y * ROW;
// Slabs of one vec4 of channels; 4 modulo 8, so that lanes that store two of them at a time do not meet.
const SLAB = (BLOCK_Z * PLANE + 3) / 8 * 8 + 4;
const TILE_WEIGHTS = KERNEL * CHUNK4 * BLOCK_C4;
const LANE_WEIGHTS = KERNEL * 4 * THREAD_C4 + 1;
// Along a row, an invocation's outputs are neighbours, so that taps can share inputs; without neighbours, its lane's in
// each of THREAD_X runs, so that lanes read vec4s side by side.
const LANE_STEP = select(THREAD_X, 1, KERNEL == 1);
const OUTPUT_STEP = select(1, LANES_X, KERNEL == 1);

var<workgroup> brick: array<vec4<f32>, CHUNK4 * SLAB>;
// For each vec4 of input channels and each lane: taps, then channels of the vec4, then the lane's output channels. An
// inner index that is constant needs no bounds check.
var<workgroup> weights: array<array<vec4<f32>, LANE_WEIGHTS>, CHUNK4 * LANES_C>;

// Four input channels from ci on, at a voxel that is inside.
fn load_x(voxel: i32, ci: i32) -> vec4<f32> {
#ifdef VEC4
  return vec4<f32>(x[u32((voxel * params.in_c + ci) / 4)]);
#else
  let at = voxel * params.in_c + ci;
  var value = vec4<f32>();
#for m in 0..4
  if (ci + ${m} < params.in_c) {
    value[${m}] = f32(x[u32(at + ${m})]);
  }
#endfor
  return value;
#endif
}

// Weights of one tap for four input channels (columns of the matrix) and four output channels; 0 beyond Ci.
fn load_weights(tap: i32, ci: i32, co: i32) -> mat4x4<f32> {
  let at = tap + ci * params.weight_in + co * params.weight_out;
#ifdef VEC4
#ifdef WEIGHT_IN
  return transpose(mat4x4<f32>(
#for m in 0..4
    weight[u32((at + ${m} * params.weight_out) / 4)],
#endfor
  ));
#else
  return mat4x4<f32>(
#for m in 0..4
    weight[u32((at + ${m} * params.weight_in) / 4)],
#endfor
  );
#endif
#else
  var value = mat4x4<f32>();
  for (var m = 0; m < min(4, params.in_c - ci); m++) {
    var row = vec4<f32>();
#for c in 0..4
    if (co + ${c} < params.out_c) {
      row[${c}] = weight[u32(at + m * params.weight_in + ${c} * params.weight_out)];
    }
#endfor
    value[m] = row;
  }
  return value;
#endif
}

// The bias of four output channels; 0 beyond Co.
fn load_bias(co: i32) -> vec4<f32> {
  var value = vec4<f32>();
  if (params.has_bias != 0u) {
#ifdef VEC4
    value = bias[u32(min(co, params.out_c - 4) / 4)];
#else
#for c in 0..4
    if (co + ${c} < params.out_c) {
      value[${c}] = bias[u32(co + ${c})];
    }
#endfor
#endif
  }
  return value;
}

// Stores four channels of the output that starts at element `at` of its slice, with the residual; nothing beyond Co.
fn store(at: i32, slice: i32, co: i32, sum: vec4<f32>) {
#ifdef VEC4
  if (co >= params.out_c) {
    return;
  }
#ifdef ADDEND
  y[u32((slice + at + co) / 4)] = StoredY(sum + vec4<f32>(addend[u32((at + co) / 4)]));
#else
  y[u32((slice + at + co) / 4)] = StoredY(sum);
#endif
#else
  for (var c = 0; c < min(4, params.out_c - co); c++) {
#ifdef ADDEND
    y[u32(slice + at + co + c)] = StoredY(sum[c] + f32(addend[u32(at + co + c)]));
#else
    y[u32(slice + at + co + c)] = StoredY(sum[c]);
#endif
  }
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  var index = linear_workgroup(wid, num);
  let block_c = i32(index % params.blocks_c);
  index /= params.blocks_c;
#ifdef PARITY
  let parity = vec3<i32>(vec3<u32>(index, index >> 1u, index >> 2u) & vec3<u32>(1u));
  index /= 8u;
#endif
  let tile_x = i32(index % params.tiles_x);
  index /= params.tiles_x;
  let tile_y = i32(index % params.tiles_y);
  index /= params.tiles_y;
  let tile_z = i32(index % params.tiles_z);
  index /= params.tiles_z;
  let n = i32(index) % params.samples;
  let slice = i32(index) / params.samples;
  if (slice >= i32(params.slices)) {
    return;
  }
  let local = i32(local_index);
  let lane_c = local % LANES_C;
  let lane_x = local / LANES_C % LANES_X;
  let lane_y = local / (LANES_C * LANES_X) % LANES_Y;
  let lane_z = local / (LANES_C * LANES_X * LANES_Y);

  // The block's first position, x y z, among outputs (of its class), and its brick's first input.
  let first = vec3<i32>(tile_x * BLOCK_X, tile_y * BLOCK_Y, tile_z * BLOCK_Z);
#ifdef PARITY
  // The first q of a class is the smallest with o = 2 q + r - pad >= 0; >> rounds down.
  let first_q = (vec3<i32>(params.pad) - parity + vec3<i32>(1)) >> vec3<u32>(1u);
  let origin = first + first_q - vec3<i32>(KERNEL - 1);
  let absent = select(vec3<i32>(0), vec3<i32>(1), parity + vec3<i32>(2 * (KERNEL - 1)) >= vec3<i32>(PARITY));
  let weight_first = params.weight_first
    - (parity.z * params.weight_z + parity.y * params.weight_y + parity.x * params.weight_x) / 2;
#else
  let origin = first * STRIDE - vec3<i32>(params.pad);
  const absent = vec3<i32>(0);
  let weight_first = params.weight_first;
#endif
  let co_block = block_c * (BLOCK_C4 * 4);
  let x_lane = (lane_z * BRICK_Y + lane_y * (THREAD_Y * STRIDE)) * ROW + lane_x * (LANE_STEP * STRIDE);

#for c in 0..THREAD_C4
  let bias_${c} = load_bias(co_block + (${c} * LANES_C + lane_c) * 4);
#for j in 0..THREAD_Y
#for i in 0..THREAD_X
  var acc_${j}_${i}_${c} = bias_${c};
#endfor
#endfor
#endfor

  let ci_end = min(params.in_c, (slice + 1) * params.channels_per_slice);
  for (var ci0 = slice * params.channels_per_slice; ci0 < ci_end; ci0 += CHUNK4 * 4) {
    for (var kz = absent.z; kz < KERNEL; kz++) {
      for (var ky = absent.y; ky < KERNEL; ky++) {
        workgroupBarrier();
        if (ky == absent.y) {
          for (var s = local; s < BRICK; s += WORKGROUP) {
            let q = s % CHUNK4;
            let column = s / CHUNK4 % BRICK_X;
            let row = s / (CHUNK4 * BRICK_X) % BRICK_Y;
            let plane = s / (CHUNK4 * BRICK_X * BRICK_Y);
            let ix = origin.x + column;
            let iy = origin.y + row;
            let iz = origin.z + plane * STRIDE + kz;
            let ci = ci0 + q * 4;
            var value = vec4<f32>();
            if (
              ix >= 0 && ix < params.in_w && iy >= 0 && iy < params.in_h && iz >= 0 && iz < params.in_d && ci < ci_end
            ) {
              value = load_x(((n * params.in_d + iz) * params.in_h + iy) * params.in_w + ix, ci);
            }
            brick[q * SLAB + plane * PLANE + row * ROW + column] = value;
          }
        }
        let row_weights = weight_first + kz * params.weight_z + ky * params.weight_y;
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
          if (kx >= absent.x && ci < ci_end && co < params.out_c) {
            value = load_weights(row_weights + kx * params.weight_x, ci, co);
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
#for i in (kx/STRIDE+3)/4*(THREAD_X-1)..THREAD_X
          let x_${j}_${i*STRIDE+kx} = brick[x_at + ${j} * (STRIDE * ROW) + ${i} * (STRIDE * OUTPUT_STEP) + ${kx}];
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

  let slice_first = slice * (params.samples * params.out_d * params.out_h * params.out_w * params.out_c);
#for j in 0..THREAD_Y
#for i in 0..THREAD_X
  {
    let position = first + vec3<i32>(lane_x * LANE_STEP + ${i} * OUTPUT_STEP, lane_y * THREAD_Y + ${j}, lane_z);
#ifdef PARITY
    let o = (position + first_q) * 2 + parity - vec3<i32>(params.pad);
#else
    let o = position;
#endif
    if (o.x < params.out_w && o.y < params.out_h && o.z < params.out_d) {
      let at = (((n * params.out_d + o.z) * params.out_h + o.y) * params.out_w + o.x) * params.out_c;
#for c in 0..THREAD_C4
      store(at, slice_first, co_block + (${c} * LANES_C + lane_c) * 4, acc_${j}_${i}_${c});
#endfor
    }
  }
#endfor
#endfor
}
