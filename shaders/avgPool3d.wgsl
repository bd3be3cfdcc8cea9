// The mean over windows of voxels: y[n, o, c] = sum over window voxels i = o STRIDE - pad + tap of
// x[n, i, c] / KERNEL^3, voxels outside the grid counting as zeros, as PyTorch's AvgPool3d does with count_include_pad.
// With GRAD its adjoint: gradX[n, i, c] = sum over the windows o that hold i of gradY[n, o, c] / KERNEL^3.
//
// x, gradX  [N, inD, inH, inW, C]; y, gradY  [N, outD, outH, outW, C]; C in Reals
// Constants: KERNEL, STRIDE. VEC4: C is a multiple of 4. F16: both are stored in half precision.
// Host: o STRIDE - pad + KERNEL never passes in + pad.
// Dispatch: threads1d(total), total the elements of what is written; a thread makes one of them and
// gathers, so sums have a fixed order.
#import thread
#import storage

struct Params {
  inD: i32,
  inH: i32,
  inW: i32,
  outD: i32,
  outH: i32,
  outW: i32,
  channels: i32,
  pad: i32,
  total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#ifdef GRAD
@group(0) @binding(1) var<storage, read> gradY: array<Stored>;
@group(0) @binding(2) var<storage, read_write> gradX: array<Stored>;
#else
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;
#endif

#ifdef GRAD
// Windows along one axis that hold voxel i: from .x to below .y.
fn windows(i: i32, count: i32) -> vec2<i32> {
  let reach = i + params.pad;
  // Division truncates towards zero, so a negative numerator has to be caught.
  let first = select((reach - KERNEL) / STRIDE + 1, 0, reach < KERNEL);
  return vec2(first, min(reach / STRIDE + 1, count));
}
#else
// Voxels along one axis that window o holds: from .x to below .y.
fn inside(o: i32, count: i32) -> vec2<i32> {
  let first = o * STRIDE - params.pad;
  return vec2(max(first, 0), min(first + KERNEL, count));
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  if (index >= params.total) {
    return;
  }
#ifdef GRAD
  let own = vec3(params.inD, params.inH, params.inW);
  let other = vec3(params.outD, params.outH, params.outW);
#else
  let own = vec3(params.outD, params.outH, params.outW);
  let other = vec3(params.inD, params.inH, params.inW);
#endif
  let voxel = i32(index) / params.channels;
  let c = i32(index) - voxel * params.channels;
  let row = voxel / own.z;
  let plane = row / own.y;
  let n = plane / own.x;
#ifdef GRAD
  let zs = windows(plane - n * own.x, other.x);
  let ys = windows(row - plane * own.y, other.y);
  let xs = windows(voxel - row * own.z, other.z);
#else
  let zs = inside(plane - n * own.x, other.x);
  let ys = inside(row - plane * own.y, other.y);
  let xs = inside(voxel - row * own.z, other.z);
#endif
  var sum = Real(0.0);
  for (var k = zs.x; k < zs.y; k++) {
    for (var j = ys.x; j < ys.y; j++) {
      let line = ((n * other.x + k) * other.y + j) * other.z;
      for (var i = xs.x; i < xs.y; i++) {
        let at = (line + i) * params.channels + c;
#ifdef GRAD
        sum += Real(gradY[at]);
#else
        sum += Real(x[at]);
#endif
      }
    }
  }
  let mean = sum * (1.0 / f32(KERNEL * KERNEL * KERNEL));
#ifdef GRAD
  gradX[index] = Stored(mean);
#else
  y[index] = Stored(mean);
#endif
}
