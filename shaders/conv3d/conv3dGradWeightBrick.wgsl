// Gradient of a 3D convolution with respect to its weights for GPUs, first of two passes: the sums of
// conv3dGradWeight.wgsl, over slices of the positions (split-K; sumPartials.wgsl adds the slices in a fixed order),
// with operands that pass through workgroup memory.
//
//   partial[s, k, ci, co] = sum over positions o of slice s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [slices, KERNEL, KERNEL, KERNEL, Ci, Co], with
// TRANSPOSED [slices, KERNEL, KERNEL, KERNEL, Co, Ci]. With ACCUMULATE there is one slice, and `partial` is the
// gradient itself, added to what is there.
//
// A workgroup computes the KERNEL^2 taps of one kz, for 4 BLOCK_I4 input and 4 BLOCK_O4 output channels. It walks over
// blocks of BLOCK_X by STEP_Y positions of a plane, of which it stages gradY and the brick of x that the taps meet. It
// is KERNEL teams, one for each ky; an invocation holds the sums of its team's KERNEL taps for THREAD_I4 vec4s of input
// and THREAD_O4 of output channels. It goes along runs of RUN positions: a vec4 of x serves all taps of the row, one
// after another, so that a position of stride 1 takes THREAD_I4 + THREAD_O4 loads of a vec4 from workgroup memory for
// 16 KERNEL THREAD_I4 THREAD_O4 multiply-adds.
//
// Workgroup memory has no conflicts: lanes that read together lie along output channels, at one vec4 of x, and at gradY
// an odd number of vec4s apart. conv3dGradWeightBrick.ts has the tiles, with what they cost.
//
// Constants: KERNEL, STRIDE, KEPT = max(0, KERNEL - STRIDE), RUN, RUNS_X, STEP_Y, LANES_I, LANES_O, THREAD_I4,
// THREAD_O4, VEC4 (Ci and Co are multiples of 4), ACCUMULATE, TRANSPOSED; X_F16, Y_F16: x, gradY are stored in half
// precision.
// Host: blocks is N Do tiles_y tiles_x, tiles_x = ceil(Wo / (RUN RUNS_X)), tiles_y = ceil(Ho / STEP_Y).
// Dispatch: workgroups1d(slices * KERNEL * blocks_i * blocks_o).
#import grid
#import storagePair

struct Params {
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  tiles_x: i32, tiles_y: i32,
  blocks: i32, blocks_per_slice: i32,
  slices: u32,
  blocks_i: u32, blocks_o: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<StoredX>;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;
#ifdef TRANSPOSED
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
#else
@group(0) @binding(3) var<storage, read_write> partial: array<Real>;
#endif

const WORKGROUP = KERNEL * LANES_I * LANES_O;
const BLOCK_X = RUN * RUNS_X;
const BLOCK_I4 = LANES_I * THREAD_I4;
const BLOCK_O4 = LANES_O * THREAD_O4;
const ROWS = (STEP_Y - 1) * STRIDE + KERNEL;
const COLUMNS = (BLOCK_X - 1) * STRIDE + KERNEL;
const BRICK = ROWS * COLUMNS * BLOCK_I4;
const GRADIENT = STEP_Y * BLOCK_X * BLOCK_O4;
const LANE_GRADIENT = RUN * THREAD_O4 + 1 - RUN * THREAD_O4 % 2;

var<workgroup> brick: array<vec4<f32>, BRICK>;
// For each run and each lane: positions, then the lane's output channels. An inner index that is constant needs no
// bounds check.
var<workgroup> gradient: array<array<vec4<f32>, LANE_GRADIENT>, STEP_Y * RUNS_X * LANES_O>;

// Four channels of x or gradY from `channel` on, at a voxel that is inside; 0 beyond the last.
fn load_x(voxel: i32, channel: i32) -> vec4<f32> {
  let at = voxel * params.in_c + channel;
#ifdef VEC4
  return vec4<f32>(x[u32(at / 4)]);
#else
  var value = vec4<f32>();
#for m in 0..4
  if (channel + ${m} < params.in_c) {
    value[${m}] = f32(x[u32(at + ${m})]);
  }
#endfor
  return value;
#endif
}

fn load_gradient(voxel: i32, channel: i32) -> vec4<f32> {
  let at = voxel * params.out_c + channel;
#ifdef VEC4
  return vec4<f32>(gradY[u32(at / 4)]);
#else
  var value = vec4<f32>();
#for m in 0..4
  if (channel + ${m} < params.out_c) {
    value[${m}] = f32(gradY[u32(at + ${m})]);
  }
#endfor
  return value;
#endif
}

// Four output channels from co on of one tap and input channel; nothing beyond Co.
fn store(tap: i32, ci: i32, co: i32, sum: vec4<f32>) {
#ifdef TRANSPOSED
  for (var c = 0; c < min(4, params.out_c - co); c++) {
    let at = u32((tap * params.out_c + co + c) * params.in_c + ci);
#ifdef ACCUMULATE
    partial[at] += sum[c];
#else
    partial[at] = sum[c];
#endif
  }
#else
  let at = (tap * params.in_c + ci) * params.out_c + co;
#ifdef VEC4
  if (co < params.out_c) {
#ifdef ACCUMULATE
    partial[u32(at / 4)] += sum;
#else
    partial[u32(at / 4)] = sum;
#endif
  }
#else
  for (var c = 0; c < min(4, params.out_c - co); c++) {
#ifdef ACCUMULATE
    partial[u32(at + c)] += sum[c];
#else
    partial[u32(at + c)] = sum[c];
#endif
  }
#endif
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  var index = linear_workgroup(wid, num);
  let block_o = i32(index % params.blocks_o);
  index /= params.blocks_o;
  let block_i = i32(index % params.blocks_i);
  index /= params.blocks_i;
  let kz = i32(index) % KERNEL;
  let slice = i32(index) / KERNEL;
  if (slice >= i32(params.slices)) {
    return;
  }
  let local = i32(local_index);
  let lane_o = local % LANES_O;
  let lane_i = local / LANES_O % LANES_I;
  let ky = local / (LANES_O * LANES_I);
  let ci_block = block_i * (BLOCK_I4 * 4);
  let co_block = block_o * (BLOCK_O4 * 4);

#for kx in 0..KERNEL
#for i in 0..4*THREAD_I4
#for o in 0..THREAD_O4
  var acc_${kx}_${i}_${o} = vec4<f32>();
#endfor
#endfor
#endfor

  let end = min(params.blocks, (slice + 1) * params.blocks_per_slice);
  for (var block = slice * params.blocks_per_slice; block < end; block++) {
    let plane = block / (params.tiles_x * params.tiles_y);
    let iz = plane % params.out_d * STRIDE - params.pad + kz;
    if (iz < 0 || iz >= params.in_d) {
      continue;
    }
    let ox = block % params.tiles_x * BLOCK_X;
    let oy = block / params.tiles_x % params.tiles_y * STEP_Y;
    let in_plane = (plane / params.out_d * params.in_d + iz) * params.in_h;
    workgroupBarrier();
    for (var s = local; s < BRICK; s += WORKGROUP) {
      let ci = ci_block + s % BLOCK_I4 * 4;
      let ix = ox * STRIDE - params.pad + s / BLOCK_I4 % COLUMNS;
      let iy = oy * STRIDE - params.pad + s / (BLOCK_I4 * COLUMNS);
      var value = vec4<f32>();
      if (ix >= 0 && ix < params.in_w && iy >= 0 && iy < params.in_h && ci < params.in_c) {
        value = load_x((in_plane + iy) * params.in_w + ix, ci);
      }
      brick[s] = value;
    }
    for (var s = local; s < GRADIENT; s += WORKGROUP) {
      let o4 = s % BLOCK_O4;
      let column = s / BLOCK_O4 % BLOCK_X;
      let row = s / (BLOCK_O4 * BLOCK_X);
      let co = co_block + o4 * 4;
      var value = vec4<f32>();
      if (ox + column < params.out_w && oy + row < params.out_h && co < params.out_c) {
        value = load_gradient((plane * params.out_h + oy + row) * params.out_w + ox + column, co);
      }
      let lane = (row * RUNS_X + column / RUN) * LANES_O + o4 % LANES_O;
      gradient[lane][column % RUN * THREAD_O4 + o4 / LANES_O] = value;
    }
    workgroupBarrier();

    for (var run = 0; run < STEP_Y * RUNS_X; run++) {
      let column = run % RUNS_X * (RUN * STRIDE);
      let x_at = ((run / RUNS_X * STRIDE + ky) * COLUMNS + column) * BLOCK_I4 + lane_i;
      let g_at = run * LANES_O + lane_o;
#for p in 0..RUN
      // Of the inputs of this position, those that the positions before it have not loaded.
#for kx in 0..KERNEL
#let column = p*STRIDE + kx
#if p == 0 || kx >= KEPT
#for i in 0..THREAD_I4
      let x_${column}_${i} = brick[x_at + ${column} * BLOCK_I4 + ${i} * LANES_I];
#endfor
#endif
#endfor
#for o in 0..THREAD_O4
      let g_${p}_${o} = gradient[g_at][${p*THREAD_O4+o}];
#for kx in 0..KERNEL
#for i in 0..4*THREAD_I4
      acc_${kx}_${i}_${o} = fma(vec4<f32>(x_${p*STRIDE+kx}_${i/4}[${i%4}]), g_${p}_${o}, acc_${kx}_${i}_${o});
#endfor
#endfor
#endfor
#endfor
    }
  }

  let tap_row = ((slice * KERNEL + kz) * KERNEL + ky) * KERNEL;
#for kx in 0..KERNEL
#for i in 0..4*THREAD_I4
  {
    let ci = ci_block + (${i/4} * LANES_I + lane_i) * 4 + ${i%4};
    if (ci < params.in_c) {
#for o in 0..THREAD_O4
      store(tap_row + ${kx}, ci, co_block + (${o} * LANES_O + lane_o) * 4, acc_${kx}_${i}_${o});
#endfor
    }
  }
#endfor
#endfor
}
