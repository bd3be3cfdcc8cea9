// The last pass of the weight gradient of 3x3x3 convolutions by products of matrices: adds up the splits of the
// products' sums, in their order, and adds their taps, G'^T along each axis (see conv3dWinogradPoints.wgsl and
// shared/winograd.wgsl), to the gradient:
//
//   gradWeight[k, ci, co] += the taps of sum over splits of sums[split, p, ci, co]
//
// An invocation makes the taps of one (ci, co).
//
// Bindings: sums [splits, 216, rows, columns]; gradWeight [3, 3, 3, Ci, Co].
// Constants: WORKGROUP.
// Dispatch: threads1d(Ci Co).
#import thread
#import winograd

struct Params { inC: u32, outC: u32, rows: u32, columns: u32, splits: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradWeight: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let area = params.inC * params.outC;
  if (index >= area) {
    return;
  }
  let step = params.rows * params.columns;
  let at = index / params.outC * params.columns + index % params.outC;
#for p in 0..216
  var sum_${p} = 0.0;
#endfor
  for (var split = 0u; split < params.splits; split++) {
    let from_split = at + split * 216u * step;
#for p in 0..216
    sum_${p} += sums[from_split + ${p}u * step];
#endfor
  }
#for p in 0..36
  let along_z_${p} = taps(array<f32, 6>(
#for z in 0..6
    sum_${36*z + p},
#endfor
  ));
#endfor
#for z in 0..3
#for y in 0..6
  let along_x_${z}_${y} = taps(array<f32, 6>(
#for x in 0..6
    along_z_${6*y + x}[${z}],
#endfor
  ));
#endfor
#for x in 0..3
  let along_y_${z}_${x} = taps(array<f32, 6>(
#for y in 0..6
    along_x_${z}_${y}[${x}],
#endfor
  ));
#for y in 0..3
  gradWeight[index + ${(3*z + y) * 3 + x}u * area] += along_y_${z}_${x}[${y}];
#endfor
#endfor
#endfor
}
