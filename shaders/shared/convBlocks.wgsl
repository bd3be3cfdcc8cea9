// What the shaders share that compute a convolution in blocks of outputs (conv3dTiled.wgsl, conv3dSubgroupMatrix.wgsl):
// operands, parameters, what a workgroup computes, and the access to all but the weights.
// src/kernels/conv3d/conv3dBlocks.ts dispatches them. They do the sums of conv3d.wgsl,
//
//   y[n, o, co] = bias[co] + addend[n, o, co]
//                 + sum over taps k and channels ci of x[n, o S - pad + k, ci] weight[k, ci, co]
//
// and, with TRANSPOSED_KERNEL, those of convTranspose3d.wgsl, of which it is the full kernel. Along an axis write o +
// pad = 2 q + r. Only the taps r + 2 j meet o, at i = q - j, so that each of the 8 phases r is a convolution of stride
// 1 over q, whose KERNEL = ceil(TRANSPOSED_KERNEL / 2) taps are read backwards. A workgroup works on one phase. An odd
// kernel lacks the last tap of the phases r = 1.
//
// Bindings: x [N, D, H, W, Ci], weight, bias [Co] (read only where hasBias is 1), y, and with ADDEND addend (as y).
// The weight of (kz, ky, kx, ci, co) lies at weightFirst + kz weightZ + ky weightY + kx weightX + ci weightIn + co
// weightOut, so that gradients read the forward weights where they are: backwards, with channels exchanged.
//
// Few outputs are not enough workgroups for a GPU. Then the sum is cut into splits of the input channels, y is [splits,
// N, Do, Ho, Wo, Co], and conv3dSumSplits.wgsl adds them in order.
//
// Blocks cover a grid of positions: the outputs of a sample, or with TRANSPOSED_KERNEL their ceil(size / 2) values of q
// an axis; it may be one row of voxels, of all samples.
// Constants: KERNEL, STRIDE, TRANSPOSED_KERNEL (or undefined); ADDEND. VEC4: Ci and Co are multiples of 4. X_F16,
// Y_F16: x, addend and y are stored in half precision.
// Dispatch: workgroups1d(splits * samples * tilesZ * tilesY * tilesX * (8 with TRANSPOSED_KERNEL) * blocksC).
#import convInput4

struct Params {
  samples: i32,
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  pad: i32,
  tilesX: i32, tilesY: i32, tilesZ: i32, blocksC: i32,
  splits: i32, channelsPerSplit: i32, splitSize: i32, positions: i32,
  weightFirst: i32, weightZ: i32, weightY: i32, weightX: i32, weightIn: i32, weightOut: i32,
  hasBias: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> weight: array<Real>;
@group(0) @binding(3) var<storage, read> bias: array<Real>;
@group(0) @binding(4) var<storage, read_write> y: array<StoredY>;
#ifdef ADDEND
@group(0) @binding(5) var<storage, read> addend: array<StoredY>;
#endif

// What a workgroup computes. Vectors are x y z.
struct Block {
  channels: i32,
  phase: vec3<i32>,
  tile: vec3<i32>,
  sample: i32,
  split: i32,
}

// The block of a workgroup; where its split is not below params.splits there is none.
fn block_of(workgroup: i32) -> Block {
  var block: Block;
  var index = workgroup;
  block.channels = index % params.blocksC;
  index /= params.blocksC;
#ifdef TRANSPOSED_KERNEL
  block.phase = vec3<i32>(index & 1, (index >> 1u) & 1, (index >> 2u) & 1);
  index /= 8;
#endif
  let row = index / params.tilesX;
  let plane = row / params.tilesY;
  block.tile = vec3<i32>(index % params.tilesX, row % params.tilesY, plane % params.tilesZ);
  index = plane / params.tilesZ;
  block.sample = index % params.samples;
  block.split = index / params.samples;
  return block;
}

// The first q of a phase is the smallest with o = 2 q + r - pad >= 0; >> rounds down.
fn first_q(phase: vec3<i32>) -> vec3<i32> {
  return (vec3<i32>(params.pad) - phase + vec3<i32>(1)) >> vec3<u32>(1u);
}

// The input that the first tap of a position meets.
fn input_of(position: vec3<i32>, phase: vec3<i32>) -> vec3<i32> {
#ifdef TRANSPOSED_KERNEL
  return position + first_q(phase) - vec3<i32>(KERNEL - 1);
#else
  return position * STRIDE - vec3<i32>(params.pad);
#endif
}

// The output at a position; it may lie beyond the grid.
fn output_of(position: vec3<i32>, phase: vec3<i32>) -> vec3<i32> {
#ifdef TRANSPOSED_KERNEL
  return (position + first_q(phase)) * 2 + phase - vec3<i32>(params.pad);
#else
  return position;
#endif
}

// The first tap that a phase has, an axis.
fn first_tap(phase: vec3<i32>) -> vec3<i32> {
#ifdef TRANSPOSED_KERNEL
  return select(vec3<i32>(0), vec3<i32>(1), phase + vec3<i32>(2 * (KERNEL - 1)) >= vec3<i32>(TRANSPOSED_KERNEL));
#else
  return vec3<i32>(0);
#endif
}

// Where the weights of a phase begin.
fn first_weight(phase: vec3<i32>) -> i32 {
#ifdef TRANSPOSED_KERNEL
  return params.weightFirst
    - (phase.z * params.weightZ + phase.y * params.weightY + phase.x * params.weightX) / 2;
#else
  return params.weightFirst;
#endif
}

// The element of y at which an output's channels begin, in its split; -1 beyond the grid.
fn element_of(sample: i32, o: vec3<i32>) -> i32 {
  if (o.x >= params.outW || o.y >= params.outH || o.z >= params.outD) {
    return -1;
  }
  return (((sample * params.outD + o.z) * params.outH + o.y) * params.outW + o.x) * params.outC;
}

// The bias of four output channels; 0 beyond Co.
fn load_bias(co: i32) -> vec4<f32> {
  var value = vec4<f32>();
  if (params.hasBias != 0) {
#ifdef VEC4
    value = bias[u32(min(co, params.outC - 4) / 4)];
#else
#for c in 0..4
    if (co + ${c} < params.outC) {
      value[${c}] = bias[u32(co + ${c})];
    }
#endfor
#endif
  }
  return value;
}

// Stores four channels of the output that starts at element `at` of its split, with the residual; nothing beyond Co.
fn store(at: i32, split: i32, co: i32, sum: vec4<f32>) {
#ifdef VEC4
  if (co >= params.outC) {
    return;
  }
#ifdef ADDEND
  y[u32((split + at + co) / 4)] = StoredY(sum + vec4<f32>(addend[u32((at + co) / 4)]));
#else
  y[u32((split + at + co) / 4)] = StoredY(sum);
#endif
#else
  for (var c = 0; c < min(4, params.outC - co); c++) {
#ifdef ADDEND
    y[u32(split + at + co + c)] = StoredY(sum[c] + f32(addend[u32(at + co + c)]));
#else
    y[u32(split + at + co + c)] = StoredY(sum[c]);
#endif
  }
#endif
}
