// The weights of a 3x3x3 convolution as Winograd's points (see conv3dWinogradPoints.wgsl): G' w along each axis.
// Channels from Ci up to `channels`, and outputs beyond Co, are written as 0.
//
// Bindings: weight, points [outputs, 216, channels]. The weight of (k, ci, co) lies at first + k tap + ci inStep +
// co outStep, k from 0 to 26: the gradient with respect to the input reads the forward weights backwards, with their
// channels exchanged.
// Constants: WORKGROUP.
// Dispatch: threads1d(outputs channels).
#import thread
#import winograd

struct Params {
  inC: i32, outC: i32, channels: i32, outputs: i32,
  first: i32, tap: i32, inStep: i32, outStep: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> points: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = i32(linear_thread(wid, num, lane));
  let step = params.channels;
  let ci = index % step;
  let co = index / step;
  if (co >= params.outputs) {
    return;
  }
  let is_kept = (ci < params.inC) & (co < params.outC);
  let at = params.first + ci * params.inStep + co * params.outStep;
  let to = co * 216 * step + ci;
#for z in 0..3
#for y in 0..3
  let along_x_${z}_${y} = weight_points(array<f32, 3>(
#for x in 0..3
    select(0.0, weight[u32(at + ${(z*3 + y)*3 + x} * params.tap)], is_kept),
#endfor
  ));
#endfor
#for x in 0..6
  let along_y_${z}_${x} =
    weight_points(array<f32, 3>(along_x_${z}_0[${x}], along_x_${z}_1[${x}], along_x_${z}_2[${x}]));
#endfor
#endfor
#for y in 0..6
#for x in 0..6
  let along_z_${y}_${x} =
    weight_points(array<f32, 3>(along_y_0_${x}[${y}], along_y_1_${x}[${y}], along_y_2_${x}[${y}]));
#for z in 0..6
  points[u32(to + ${(6*z + y) * 6 + x} * step)] = along_z_${y}_${x}[${z}];
#endfor
#endfor
#endfor
}
