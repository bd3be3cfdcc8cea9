// Rotation of cubic grids with interpolation: y(p) = x(R^-1 p), p from the centre (D-1)/2, values outside are 0.
// Bindings: rotations [N, 9], row major, active; x [N, D, D, D, C]; y [N, D, D, D, C]; C counts Reals.
// One thread makes `each` Reals of one voxel, one after the other: weights and addresses of the TAPS^3 neighbours are
// shared by them. A loop over channels with one sum in its body is small enough for a processor's instruction cache,
// which sums of all channels side by side are not.
// A neighbour outside the grid gets weight 0 and a clamped address, so that no load is conditional; a voxel without any
// neighbour inside, a quarter of them or so, loads nothing. With LANES (subgroups have 8 lanes, a workgroup has one
// sample) a subgroup loads the rotation together, and does without loads only as a whole: software adapters pay for
// lanes that are masked.
// Constants: TAPS (2 or 4), CATMULL_ROM (with 4), VEC4, WORKGROUP, LANES.
// Dispatch: threads1d(N * D^3 * blocks); blocks = C / each.
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
#import thread
#import real
#import voxels
#import resampleTaps

struct Params {
  samples: u32,
  size: u32,
  channels: u32,
  blocks: u32,
  each: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<Real>;
@group(0) @binding(3) var<storage, read_write> y: array<Real>;

// Weight of the neighbour at `at` for a source at `position`; 0 outside the grid.
fn inside_weight(position: f32, at: i32) -> f32 {
  return select(0.0, tap_weight(position - f32(at)), at >= 0 && at < i32(params.size));
}

fn clamped(at: i32) -> u32 {
  return u32(clamp(at, 0, i32(params.size) - 1));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
#ifdef LANES
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
#endif
) {
  let index = linear_thread(wid, num, lane);
  let voxel = index / params.blocks;
  let voxels = params.size * params.size * params.size;
  let n = voxel / voxels;
  if (n >= params.samples) {
    return;
  }
  let channel = (index - voxel * params.blocks) * params.each;
#ifdef LANES
  let held = rotations[9u * n + subgroup_lane];
  let last = rotations[9u * n + 8u];
  let rows = RotationRows(
    vec3<f32>(subgroupShuffle(held, 0u), subgroupShuffle(held, 1u), subgroupShuffle(held, 2u)),
    vec3<f32>(subgroupShuffle(held, 3u), subgroupShuffle(held, 4u), subgroupShuffle(held, 5u)),
    vec3<f32>(subgroupShuffle(held, 6u), subgroupShuffle(held, 7u), last),
  );
#else
  let r = n * 9u;
  let rows = RotationRows(
    vec3<f32>(rotations[r], rotations[r + 1u], rotations[r + 2u]),
    vec3<f32>(rotations[r + 3u], rotations[r + 4u], rotations[r + 5u]),
    vec3<f32>(rotations[r + 6u], rotations[r + 7u], rotations[r + 8u]),
  );
#endif
  let source = source_position(rows, voxel_position(voxel - n * voxels, params.size), params.size);
  // A tap TAPS / 2 away has weight 0.
  let reach = f32(TAPS / 2);
  let outside = any(source <= vec3<f32>(-reach)) || any(source >= vec3<f32>(f32(params.size) - 1.0 + reach));
#ifdef LANES
  let count = select(params.each, 0u, subgroupAll(outside));
#else
  let count = select(params.each, 0u, outside);
#endif
  let first = vec3<i32>(floor(source)) - vec3<i32>(TAPS / 2 - 1);
#for i in 0..TAPS
  let weight_x_${i} = inside_weight(source.x, first.x + ${i});
  let offset_x_${i} = clamped(first.x + ${i}) * params.channels + channel;
  let weight_y_${i} = inside_weight(source.y, first.y + ${i});
  let offset_y_${i} = clamped(first.y + ${i}) * params.size * params.channels;
#endfor
  let layer = params.size * params.size * params.channels;
  let start = n * params.size * layer;
#ifdef CATMULL_ROM
#for j in 0..TAPS
#for i in 0..TAPS
  let weight_${j}_${i} = weight_y_${j} * weight_x_${i};
  let offset_${j}_${i} = start + offset_y_${j} + offset_x_${i};
#endfor
#endfor
  for (var c = 0u; c < count; c++) {
    var sum = Real(0.0);
    for (var k = 0; k < TAPS; k++) {
      let at = clamped(first.z + k) * layer + c;
      var plane = Real(0.0);
#for j in 0..TAPS
#for i in 0..TAPS
      plane += weight_${j}_${i} * x[at + offset_${j}_${i}];
#endfor
#endfor
      sum += inside_weight(source.z, first.z + k) * plane;
    }
    y[voxel * params.channels + channel + c] = sum;
  }
#else
#for k in 0..TAPS
  let weight_z_${k} = inside_weight(source.z, first.z + ${k});
  let offset_z_${k} = start + clamped(first.z + ${k}) * layer;
#for j in 0..TAPS
#for i in 0..TAPS
  let weight_${k}_${j}_${i} = weight_z_${k} * weight_y_${j} * weight_x_${i};
  let at_${k}_${j}_${i} = offset_z_${k} + offset_y_${j} + offset_x_${i};
#endfor
#endfor
#endfor
  for (var c = 0u; c < count; c++) {
    var sum = Real(0.0);
#for k in 0..TAPS
#for j in 0..TAPS
#for i in 0..TAPS
    sum += weight_${k}_${j}_${i} * x[at_${k}_${j}_${i} + c];
#endfor
#endfor
#endfor
    y[voxel * params.channels + channel + c] = sum;
  }
#endif
  for (var c = count; c < params.each; c++) {
    y[voxel * params.channels + channel + c] = Real(0.0);
  }
}
