// The transpose of resample.wgsl: gradX(q) = sum over output voxels p of weight(R^-1 p - q) gradY(p). Gathered, so
// without atomics and in a fixed order. Only outputs whose source lies within TAPS/2 of q along every axis of the input
// matter, a rotated cube around R q: each of its sides reaches at most TAPS/2 * (|R_a0| + |R_a1| + |R_a2|) along output
// axis a, and that box is walked.
// Bindings: rotations [N, 9]; gradY [N, D, D, D, C]; gradX [N, D, D, D, C].
// One thread makes one voxel in a block of CHANNELS Reals. VEC4: C is a multiple of 4 and `channels` counts groups of
// four.
// Constants: TAPS (2 or 4), CATMULL_ROM (with 4), CHANNELS, VEC4. Dispatch: threads1d(N * D^3 * blocks);
// blocks = ceil(channels / CHANNELS).
#import thread
#import real
#import voxels
#import resampleTaps

struct Params {
  samples: u32,
  size: u32,
  channels: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<f32>;
@group(0) @binding(2) var<storage, read> gradY: array<Real>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Real>;

// Widens the box beyond rounding; the weight is 0 where it is too wide.
const MARGIN = 1e-3f;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let voxel = index / params.blocks;
  let voxels = params.size * params.size * params.size;
  let n = voxel / voxels;
  if (n >= params.samples) {
    return;
  }
  let channel = (index - voxel * params.blocks) * u32(CHANNELS);
  let r = n * 9u;
  let rows = RotationRows(
    vec3<f32>(rotations[r], rotations[r + 1u], rotations[r + 2u]),
    vec3<f32>(rotations[r + 3u], rotations[r + 4u], rotations[r + 5u]),
    vec3<f32>(rotations[r + 6u], rotations[r + 7u], rotations[r + 8u]),
  );
  let target_position = vec3<f32>(voxel_position(voxel - n * voxels, params.size));
  let centre = 0.5 * f32(params.size - 1u);
  let q = target_position - centre;
  let middle = vec3<f32>(dot(rows.x, q), dot(rows.y, q), dot(rows.z, q)) + centre;
  let one = vec3<f32>(1.0);
  let reach = vec3<f32>(dot(abs(rows.x), one), dot(abs(rows.y), one), dot(abs(rows.z), one)) * f32(TAPS / 2) + MARGIN;
  let last = vec3<i32>(i32(params.size) - 1);
  let low = max(vec3<i32>(ceil(middle - reach)), vec3<i32>(0));
  let high = min(vec3<i32>(floor(middle + reach)), last);
#for c in 0..CHANNELS
  let channel_${c} = min(channel + ${c}u, params.channels - 1u);
  var acc_${c} = Real(0.0);
#endfor
  for (var z = low.z; z <= high.z; z++) {
    for (var y = low.y; y <= high.y; y++) {
      for (var x = low.x; x <= high.x; x++) {
        let p = vec3<u32>(vec3<i32>(x, y, z));
        let t = source_position(rows, p, params.size) - target_position;
        let weight = tap_weight(t.x) * tap_weight(t.y) * tap_weight(t.z);
        if (weight == 0.0) {
          continue;
        }
        let at = (n * voxels + voxel_index(p, params.size)) * params.channels;
#for c in 0..CHANNELS
        acc_${c} += weight * gradY[at + channel_${c}];
#endfor
      }
    }
  }
#for c in 0..CHANNELS
  if (channel + ${c}u < params.channels) {
    gradX[voxel * params.channels + channel + ${c}u] = acc_${c};
  }
#endfor
}
