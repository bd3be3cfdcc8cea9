// Rotation of cubic grids with interpolation: y(p) = x(R^-1 p), p from the centre (D-1)/2, values outside are 0.
// Bindings: rotations [N, 9], row major, active; x [N, D, D, D, C]; y [N, D, D, D, C].
// One thread makes one voxel in a block of CHANNELS channels: the weights of the TAPS^3 neighbours are shared by them.
// A neighbour outside the grid gets weight 0 and a clamped address, so that no load is conditional.
// Constants: TAPS (2 or 4), CATMULL_ROM (with 4), CHANNELS. Workgroups: ceil(N * D^3 * blocks / 64), folded;
// blocks = ceil(C / CHANNELS).
#import grid
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
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// Weight of the neighbour at `at` for a source at `position`; 0 outside the grid.
fn inside_weight(position: f32, at: i32) -> f32 {
  return select(0.0, tap_weight(position - f32(at)), at >= 0 && at < i32(params.size));
}

fn clamped(at: i32) -> u32 {
  return u32(clamp(at, 0, i32(params.size) - 1));
}

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
  let r = n * 9u;
  let rows = RotationRows(
    vec3<f32>(rotations[r], rotations[r + 1u], rotations[r + 2u]),
    vec3<f32>(rotations[r + 3u], rotations[r + 4u], rotations[r + 5u]),
    vec3<f32>(rotations[r + 6u], rotations[r + 7u], rotations[r + 8u]),
  );
  let source = source_position(rows, voxel_position(voxel - n * voxels, params.size), params.size);
  let first = vec3<i32>(floor(source)) - vec3<i32>(TAPS / 2 - 1);
#for i in 0..TAPS
  let weight_x_${i} = inside_weight(source.x, first.x + ${i});
  let offset_x_${i} = clamped(first.x + ${i}) * params.channels;
#endfor
  // The last block may hold fewer channels: the spare accumulators read a valid channel and are not stored.
#for c in 0..CHANNELS
  let channel_${c} = min(channel + ${c}u, params.channels - 1u);
  var acc_${c} = 0.0f;
#endfor
  for (var k = 0; k < TAPS; k++) {
    let weight_z = inside_weight(source.z, first.z + k);
    let plane = n * params.size + clamped(first.z + k);
    for (var j = 0; j < TAPS; j++) {
      let weight_zy = weight_z * inside_weight(source.y, first.y + j);
      let row = (plane * params.size + clamped(first.y + j)) * params.size * params.channels;
#for i in 0..TAPS
      {
        let weight = weight_zy * weight_x_${i};
        let at = row + offset_x_${i};
#for c in 0..CHANNELS
        acc_${c} += weight * x[at + channel_${c}];
#endfor
      }
#endfor
    }
  }
#for c in 0..CHANNELS
  if (channel + ${c}u < params.channels) {
    y[voxel * params.channels + channel + ${c}u] = acc_${c};
  }
#endfor
}
