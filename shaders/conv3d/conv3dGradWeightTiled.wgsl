// Gradient of a 3D convolution with respect to its weights for GPUs, first of two passes: the sums of
// conv3dGradWeight.wgsl, over splits of the positions (split-K; sumPartials.wgsl adds the splits in a fixed order),
// with operands that pass through workgroup memory.
//
//   partial[s, k, ci, co] = sum over positions o of split s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [splits, KERNEL, KERNEL, KERNEL, Ci, Co], with
// TRANSPOSED [splits, KERNEL, KERNEL, KERNEL, Co, Ci]. With ACCUMULATE there is one split, and `partial` is the
// gradient itself, added to what is there.
//
// A workgroup computes the KERNEL^2 taps of one kz, for 4 BLOCK_I4 input and 4 BLOCK_O4 output channels. It walks over
// blocks of BLOCK_X by STEP_Y positions of a plane, of which it stages gradY and the tile of x that the taps meet. It
// is KERNEL teams, one for each ky; an invocation holds the sums of its team's KERNEL taps for THREAD_I4 vec4s of input
// and THREAD_O4 of output channels. It goes along runs of RUN positions: a vec4 of x serves all taps of the row, one
// after another, so that a position of stride 1 takes THREAD_I4 + THREAD_O4 loads of a vec4 from workgroup memory for
// 16 KERNEL THREAD_I4 THREAD_O4 multiply-adds.
//
// Workgroup memory has no conflicts: lanes that read together lie along output channels, at one vec4 of x, and at gradY
// an odd number of vec4s apart. conv3dGradWeightTiled.ts has the tiles, with what they cost.
//
// Constants: KERNEL, STRIDE, KEPT = max(0, KERNEL - STRIDE), RUN, RUNS_X, STEP_Y, LANES_I, LANES_O, THREAD_I4,
// THREAD_O4, VEC4 (Ci and Co are multiples of 4), ACCUMULATE, TRANSPOSED; X_F16, Y_F16: x, gradY are stored in half
// precision.
// Host: blocks is N Do tilesY tilesX, tilesX = ceil(Wo / (RUN RUNS_X)), tilesY = ceil(Ho / STEP_Y).
// Dispatch: workgroups1d(splits * KERNEL * blocksI * blocksO).
#import grid
#import gradWeightInput4

struct Params {
  inD: i32, inH: i32, inW: i32, inC: i32,
  outD: i32, outH: i32, outW: i32, outC: i32,
  pad: i32,
  tilesX: i32, tilesY: i32,
  blocks: i32, blocksPerSplit: i32,
  splits: i32,
  blocksI: i32, blocksO: i32,
}

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
const INPUT_TILE = ROWS * COLUMNS * BLOCK_I4;
const GRADIENT = STEP_Y * BLOCK_X * BLOCK_O4;
const LANE_GRADIENT = RUN * THREAD_O4 + 1 - RUN * THREAD_O4 % 2;

var<workgroup> input_tile: array<vec4<f32>, INPUT_TILE>;
// For each run and each lane: positions, then the lane's output channels. An inner index that is constant needs no
// bounds check.
var<workgroup> gradient: array<array<vec4<f32>, LANE_GRADIENT>, STEP_Y * RUNS_X * LANES_O>;

// Four output channels from co on of one tap and input channel; nothing beyond Co.
fn store(tap: i32, ci: i32, co: i32, sum: vec4<f32>) {
#ifdef TRANSPOSED
  for (var c = 0; c < min(4, params.outC - co); c++) {
    let at = u32((tap * params.outC + co + c) * params.inC + ci);
#ifdef ACCUMULATE
    partial[at] += sum[c];
#else
    partial[at] = sum[c];
#endif
  }
#else
  let at = (tap * params.inC + ci) * params.outC + co;
#ifdef VEC4
  if (co < params.outC) {
#ifdef ACCUMULATE
    partial[u32(at / 4)] += sum;
#else
    partial[u32(at / 4)] = sum;
#endif
  }
#else
  for (var c = 0; c < min(4, params.outC - co); c++) {
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
  var index = i32(linear_workgroup(wid, num));
  let block_o = index % params.blocksO;
  index /= params.blocksO;
  let block_i = index % params.blocksI;
  index /= params.blocksI;
  let kz = index % KERNEL;
  let split = index / KERNEL;
  if (split >= params.splits) {
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

  let end = min(params.blocks, (split + 1) * params.blocksPerSplit);
  for (var block = split * params.blocksPerSplit; block < end; block++) {
    let plane = block / (params.tilesX * params.tilesY);
    let iz = plane % params.outD * STRIDE - params.pad + kz;
    if (iz < 0 || iz >= params.inD) {
      continue;
    }
    let ox = block % params.tilesX * BLOCK_X;
    let oy = block / params.tilesX % params.tilesY * STEP_Y;
    let in_plane = (plane / params.outD * params.inD + iz) * params.inH;
    workgroupBarrier();
    for (var s = local; s < INPUT_TILE; s += WORKGROUP) {
      let ci = ci_block + s % BLOCK_I4 * 4;
      let ix = ox * STRIDE - params.pad + s / BLOCK_I4 % COLUMNS;
      let iy = oy * STRIDE - params.pad + s / (BLOCK_I4 * COLUMNS);
      var value = vec4<f32>();
      if (ix >= 0 && ix < params.inW && iy >= 0 && iy < params.inH && ci < params.inC) {
        value = vec4<f32>(load_x((in_plane + iy) * params.inW + ix, ci));
      }
      input_tile[s] = value;
    }
    for (var s = local; s < GRADIENT; s += WORKGROUP) {
      let o4 = s % BLOCK_O4;
      let column = s / BLOCK_O4 % BLOCK_X;
      let row = s / (BLOCK_O4 * BLOCK_X);
      let co = co_block + o4 * 4;
      var value = vec4<f32>();
      if (ox + column < params.outW && oy + row < params.outH && co < params.outC) {
        value = vec4<f32>(load_gradient((plane * params.outH + oy + row) * params.outW + ox + column, co));
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
      let x_${column}_${i} = input_tile[x_at + ${column} * BLOCK_I4 + ${i} * LANES_I];
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

  let tap_row = ((split * KERNEL + kz) * KERNEL + ky) * KERNEL;
#for kx in 0..KERNEL
#for i in 0..4*THREAD_I4
  {
    let ci = ci_block + (${i/4} * LANES_I + lane_i) * 4 + ${i%4};
    if (ci < params.inC) {
#for o in 0..THREAD_O4
      store(tap_row + ${kx}, ci, co_block + (${o} * LANES_O + lane_o) * 4, acc_${kx}_${i}_${o});
#endfor
    }
  }
#endfor
#endfor
}
