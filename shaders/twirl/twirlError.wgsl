// First pass of sum over k, voxels and channels of |f_k - target|^2 for each sample, with the twisted predictions
// f_k(p) = predictions[n * K + k](T_k p) read straight from the raw ones.
// Bindings: rotations [K]; predictions [N * K, D, D, D, C], sample-major; targetGrid [N, D, D, D, C];
// partial [samples, threads].
// Thread t of a sample takes voxels t, t + threads, ... in this order; twirlSum.wgsl adds the threads.
// Dispatch: threads1d(samples * threads).
#import thread
#import voxels
#import octahedral

struct Params {
  samples: u32,
  rotations: u32,
  size: u32,
  channels: u32,
  threads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> predictions: array<f32>;
@group(0) @binding(3) var<storage, read> targetGrid: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let n = index / params.threads;
  if (n >= params.samples) {
    return;
  }
  let voxels = params.size * params.size * params.size;
  var sum = 0.0f;
  for (var voxel = index - n * params.threads; voxel < voxels; voxel += params.threads) {
    let steps = half_steps(voxel_position(voxel, params.size), params.size);
    let home = (n * voxels + voxel) * params.channels;
    // Summed per voxel first: shorter chains of additions lose less.
    var here = 0.0f;
    for (var k = 0u; k < params.rotations; k++) {
      let source = from_half_steps(octahedral_apply(octahedral_rows(rotations[k]), steps), params.size);
      let at = ((n * params.rotations + k) * voxels + voxel_index(source, params.size)) * params.channels;
      for (var c = 0u; c < params.channels; c++) {
        let off = predictions[at + c] - targetGrid[home + c];
        here += off * off;
      }
    }
    sum += here;
  }
  partial[index] = sum;
}
