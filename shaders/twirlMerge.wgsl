// Running mean and M2 (sum of squared deviations from the mean) of twisted predictions, per voxel and channel.
//   f_k(p) = (T_k^-1 predictions[n * K + k])(p) = predictions[n * K + k](T_k p)
// is read where it lies and never stored. Welford's update (Technometrics 1962) over k, going on from `merged` values
// already in mean and m2; with merged = 0 both are written without being read.
// Bindings: rotations [K], elements of the octahedral group; predictions [N * K, D, D, D, C], sample-major;
// mean, m2 [N, D, D, D, C].
// One thread makes one voxel in a block of CHANNELS channels: the rotated address is shared by them.
// Constants: CHANNELS, CONTINUE (merged > 0). Workgroups: ceil(N * D^3 * blocks / 64), folded;
// blocks = ceil(C / CHANNELS).
#import grid
#import voxels
#import octahedral

struct Params {
  samples: u32,
  rotations: u32,
  size: u32,
  channels: u32,
  blocks: u32,
  merged: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> predictions: array<f32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> m2: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num) * 64u + lane;
  let voxel = index / params.blocks;
  let voxels = params.size * params.size * params.size;
  let n = voxel / voxels;
  if (n >= params.samples) {
    return;
  }
  let channel = (index - voxel * params.blocks) * u32(CHANNELS);
  let steps = half_steps(voxel_position(voxel - n * voxels, params.size), params.size);
  let home = voxel * params.channels;
  // The last block may hold fewer channels: the spare accumulators read a valid channel and are not stored.
#for c in 0..CHANNELS
  let channel_${c} = min(channel + ${c}u, params.channels - 1u);
#ifdef CONTINUE
  var mean_${c} = mean[home + channel_${c}];
  var m2_${c} = m2[home + channel_${c}];
#else
  var mean_${c} = 0.0f;
  var m2_${c} = 0.0f;
#endif
#endfor
  for (var k = 0u; k < params.rotations; k++) {
    let source = from_half_steps(octahedral_apply(octahedral_rows(rotations[k]), steps), params.size);
    let at = ((n * params.rotations + k) * voxels + voxel_index(source, params.size)) * params.channels;
    let share = 1.0 / f32(params.merged + k + 1u);
#for c in 0..CHANNELS
    {
      let value = predictions[at + channel_${c}];
      let before = value - mean_${c};
      mean_${c} += before * share;
      m2_${c} += before * (value - mean_${c});
    }
#endfor
  }
#for c in 0..CHANNELS
  if (channel + ${c}u < params.channels) {
    mean[home + channel + ${c}u] = mean_${c};
    m2[home + channel + ${c}u] = m2_${c};
  }
#endfor
}
