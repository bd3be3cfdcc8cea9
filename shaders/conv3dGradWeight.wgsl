// Gradient of a 3D convolution with respect to its weights, first of two passes: sums over slices of the positions
// (split-K; sumPartials.wgsl adds the slices in a fixed order).
//
//   partial[s, k, ci, co] = sum over positions o of slice s of x[n, o S - pad + k, ci] gradY[n, o, co]
//
// As a GEMM: M = KERNEL^3 Ci, N = Co, K = N Do Ho Wo positions.
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [slices, KERNEL, KERNEL, KERNEL, Ci, Co].
//
// A team of TEAM invocations computes, for one kz, all KERNEL^2 taps of a plane for BLOCKS_I * TEAM input channels and BLOCKS_O * TEAM
// output channels; invocation l holds the output channels l + b TEAM. It walks along rows of positions with a window of
// KERNEL by KERNEL inputs, of which only STRIDE columns are new at each step. With SUBGROUPS a team is a subgroup of
// exactly TEAM lanes: lane l loads input channel l, and the values are spread. Without, each lane loads them itself, and a
// workgroup holds WORKGROUP / TEAM teams, which take consecutive slices.
//
// Constants: KERNEL, STRIDE, TEAM, BLOCKS_I, BLOCKS_O, WORKGROUP; SUBGROUPS (then WORKGROUP = TEAM = the subgroup size).
// Host: channels beyond Ci or Co are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(KERNEL * blocks_i * blocks_o * ceil(slices / (WORKGROUP / TEAM))).
#ifdef SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import grid

struct Params {
  in_d: i32, in_h: i32, in_w: i32, in_c: i32,
  out_d: i32, out_h: i32, out_w: i32, out_c: i32,
  pad: i32,
  rows: i32,            // N Do Ho
  rows_per_slice: i32,
  slices: u32,
  blocks_i: u32, blocks_o: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gradY: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
#ifdef SUBGROUPS
  @builtin(subgroup_invocation_id) local: u32,
#else
  @builtin(local_invocation_index) local: u32,
#endif
) {
  let index = linear_workgroup(wid, num);
  let block_o = index % params.blocks_o;
  let block_i = (index / params.blocks_o) % params.blocks_i;
  let kz = i32((index / (params.blocks_o * params.blocks_i)) % KERNEL);
  let slice = index / (params.blocks_o * params.blocks_i * KERNEL) * (WORKGROUP / TEAM) + local / TEAM;
  if (slice >= params.slices) {
    return;
  }
  let lane = i32(local % TEAM);
  let co = i32(block_o) * (BLOCKS_O * TEAM) + lane;
  let ci0 = i32(block_i) * (BLOCKS_I * TEAM);
#ifdef SUBGROUPS
  let ci_lane = ci0 + lane;
#endif

#for t in 0..KERNEL*KERNEL
#for i in 0..BLOCKS_I*TEAM
#for b in 0..BLOCKS_O
  var acc_${t}_${i}_${b} = 0.0;
#endfor
#endfor
#endfor

  let row_end = min((i32(slice) + 1) * params.rows_per_slice, params.rows);
  for (var row = i32(slice) * params.rows_per_slice; row < row_end; row++) {
    let oy = row % params.out_h;
    let oz = (row / params.out_h) % params.out_d;
    let n = row / (params.out_h * params.out_d);
    let iz = oz * STRIDE - params.pad + kz;
    if (iz < 0 || iz >= params.in_d) {
      continue;
    }
    let iy = oy * STRIDE - params.pad;
    let plane = (n * params.in_d + iz) * params.in_h + iy;
#for ky in 0..KERNEL
    let row_ok_${ky} = iy + ${ky} >= 0 && iy + ${ky} < params.in_h;
    let row_${ky} = (plane + ${ky}) * params.in_w;
#endfor
    for (var ox = 0; ox < params.out_w; ox++) {
      let ix = ox * STRIDE - params.pad;
#for b in 0..BLOCKS_O
      let g_${b} = gradY[u32((row * params.out_w + ox) * params.out_c + co + ${b} * TEAM)];
#endfor
#for ky in 0..KERNEL
#for kx in 0..KERNEL
      let ok_${ky}_${kx} = row_ok_${ky} && ix + ${kx} >= 0 && ix + ${kx} < params.in_w;
#ifdef SUBGROUPS
#for i in 0..BLOCKS_I
      let x_${ky}_${kx}_${i} = select(0.0, x[u32((row_${ky} + ix + ${kx}) * params.in_c + ci_lane + ${i} * TEAM)], ok_${ky}_${kx});
#endfor
#endif
#for i in 0..BLOCKS_I*TEAM
#ifdef SUBGROUPS
      let v_${ky}_${kx}_${i} = subgroupBroadcast(x_${ky}_${kx}_${i/TEAM}, ${i%TEAM}u);
#else
      let v_${ky}_${kx}_${i} = select(0.0, x[u32((row_${ky} + ix + ${kx}) * params.in_c + ci0 + ${i})], ok_${ky}_${kx});
#endif
#for b in 0..BLOCKS_O
      acc_${ky*KERNEL+kx}_${i}_${b} = fma(v_${ky}_${kx}_${i}, g_${b}, acc_${ky*KERNEL+kx}_${i}_${b});
#endfor
#endfor
#endfor
#endfor
    }
  }

  let tap_stride = params.in_c * params.out_c;
  let at = (i32(slice) * KERNEL + kz) * (KERNEL * KERNEL) * tap_stride + ci0 * params.out_c + co;
#for b in 0..BLOCKS_O
  if (co + ${b} * TEAM < params.out_c) {
#for i in 0..BLOCKS_I*TEAM
    if (ci0 + ${i} < params.in_c) {
#for t in 0..KERNEL*KERNEL
      partial[u32(at + ${t} * tap_stride + ${i} * params.out_c + ${b} * TEAM)] = acc_${t}_${i}_${b};
#endfor
    }
#endfor
  }
#endfor
}
