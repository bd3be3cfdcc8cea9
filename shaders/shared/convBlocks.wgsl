// What the shaders share that compute a convolution in blocks of outputs (conv3dBrick.wgsl, conv3dMatrix.wgsl):
// operands, parameters, what a workgroup computes, and the access to all but the weights.
// src/kernels/conv3d/conv3dBlocks.ts dispatches them. They do the sums of conv3d.wgsl,
//
//   y[n, o, co] = bias[co] + addend[n, o, co]
//                 + sum over taps k and channels ci of x[n, o S - pad + k, ci] weight[k, ci, co]
//
// and, with PARITY, those of convTranspose3d.wgsl: PARITY is the full kernel, stride 2 transposed. Along an axis write
// o + pad = 2 q + r. Only the taps r + 2 j meet o, at i = q - j, so that each of the 8 classes r is a convolution of
// stride 1 over q, whose KERNEL = ceil(PARITY / 2) taps are read backwards. A workgroup works on one class. An odd
// kernel lacks the last tap of the classes r = 1.
//
// Bindings: x [N, D, H, W, Ci], weight, bias [Co] (read only where has_bias is 1), y, and with ADDEND addend (as y).
// The weight of (kz, ky, kx, ci, co) lies at weight_first + kz weight_z + ky weight_y + kx weight_x + ci weight_in + co
// weight_out, so that gradients read the forward weights where they are: backwards, with channels exchanged.
//
// Few outputs are not enough workgroups for a GPU. Then the sum is cut into slices of the input channels, y is [slices,
// N, Do, Ho, Wo, Co], and conv3dBrickSum.wgsl adds them in order.
//
// Blocks cover a grid of positions: the outputs of a sample, or with PARITY their ceil(size / 2) values of q an axis;
// it may be one row of voxels, of all samples.
// Constants: KERNEL, STRIDE, PARITY (or undefined); ADDEND. VEC4: Ci and Co are multiples of 4. X_F16, Y_F16: x, addend
// and y are stored in half precision.
// Dispatch: workgroups1d(slices * samples * tiles_z * tiles_y * tiles_x * (8 with PARITY) * blocks_c).
#import storagePair

struct Params {
  samples: i32,
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  tiles_x: u32, tiles_y: u32, tiles_z: u32, blocks_c: u32,
  slices: u32, channels_per_slice: i32, slice_size: i32, positions: i32,
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

// What a workgroup computes. Vectors are x y z.
struct Block {
  channels: i32,
  parity: vec3<i32>,
  tile: vec3<i32>,
  sample: i32,
  slice: i32,
}

// The block of a workgroup; where its slice is not below params.slices there is none.
fn block_of(workgroup: u32) -> Block {
  var block: Block;
  var index = workgroup;
  block.channels = i32(index % params.blocks_c);
  index /= params.blocks_c;
#ifdef PARITY
  block.parity = vec3<i32>(vec3<u32>(index, index >> 1u, index >> 2u) & vec3<u32>(1u));
  index /= 8u;
#endif
  let row = index / params.tiles_x;
  let plane = row / params.tiles_y;
  block.tile = vec3<i32>(vec3<u32>(index % params.tiles_x, row % params.tiles_y, plane % params.tiles_z));
  index = plane / params.tiles_z;
  block.sample = i32(index) % params.samples;
  block.slice = i32(index) / params.samples;
  return block;
}

// The first q of a class is the smallest with o = 2 q + r - pad >= 0; >> rounds down.
fn first_q(parity: vec3<i32>) -> vec3<i32> {
  return (vec3<i32>(params.pad) - parity + vec3<i32>(1)) >> vec3<u32>(1u);
}

// The input that the first tap of a position meets.
fn input_of(position: vec3<i32>, parity: vec3<i32>) -> vec3<i32> {
#ifdef PARITY
  return position + first_q(parity) - vec3<i32>(KERNEL - 1);
#else
  return position * STRIDE - vec3<i32>(params.pad);
#endif
}

// The output at a position; it may lie beyond the grid.
fn output_of(position: vec3<i32>, parity: vec3<i32>) -> vec3<i32> {
#ifdef PARITY
  return (position + first_q(parity)) * 2 + parity - vec3<i32>(params.pad);
#else
  return position;
#endif
}

// The first tap that a class has, an axis.
fn first_tap(parity: vec3<i32>) -> vec3<i32> {
#ifdef PARITY
  return select(vec3<i32>(0), vec3<i32>(1), parity + vec3<i32>(2 * (KERNEL - 1)) >= vec3<i32>(PARITY));
#else
  return vec3<i32>(0);
#endif
}

// Where the weights of a class begin.
fn first_weight(parity: vec3<i32>) -> i32 {
#ifdef PARITY
  return params.weight_first
    - (parity.z * params.weight_z + parity.y * params.weight_y + parity.x * params.weight_x) / 2;
#else
  return params.weight_first;
#endif
}

// The element of y at which an output's channels begin, in its slice; -1 beyond the grid.
fn element_of(sample: i32, o: vec3<i32>) -> i32 {
  if (o.x >= params.out_w || o.y >= params.out_h || o.z >= params.out_d) {
    return -1;
  }
  return (((sample * params.out_d + o.z) * params.out_h + o.y) * params.out_w + o.x) * params.out_c;
}

// Four input channels from ci on, at a voxel that is inside, as they are stored; 0 beyond Ci.
#ifdef VEC4
fn load_x(voxel: i32, ci: i32) -> StoredX {
  return x[u32((voxel * params.in_c + ci) / 4)];
}
#else
fn load_x(voxel: i32, ci: i32) -> vec4<StoredX> {
  let at = voxel * params.in_c + ci;
  var value = vec4<StoredX>();
#for m in 0..4
  if (ci + ${m} < params.in_c) {
    value[${m}] = x[u32(at + ${m})];
  }
#endfor
  return value;
}
#endif

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
