// Exact rotation of cubic grids by elements of the octahedral group: y(p) = x(R^-1 p), an index permutation.
//   y[n * R + r] = T_{rotations[r]} x[n]                  (sample-major, then rotation)
//   PER_SAMPLE:  y[n] = T_{rotations[n]} x[n]             (R = 1)
//   INVERSE:     the inverse element instead of the element
// Bindings: rotations [R] or [N], indices 0 to 23; x [N, D, D, D, C]; y [N * R, D, D, D, C].
// One thread writes one voxel. VEC4: C is a multiple of 4 and `channels` counts groups of four.
//   SCATTER: one thread reads one channel of RUN voxels along x once and writes them to all R grids, for adapters to
//   which a load costs as much as a store. A rotation carries a line of voxels to voxels at one stride.
// Constants: PER_SAMPLE, INVERSE; VEC4, or SCATTER and RUN, a divisor of D.
// Dispatch: threads1d(N * R * D^3), with SCATTER threads1d(N * D^3 / RUN * C).
#import thread
#import real
#import voxels
#import octahedral

struct Params {
  grids: u32,
  each: u32,
  size: u32,
  channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<Real>;
@group(0) @binding(3) var<storage, read_write> y: array<Real>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let voxels = params.size * params.size * params.size;
#ifdef SCATTER
  let place = index / params.channels;
  let channel = index - place * params.channels;
  let n = place / (voxels / u32(RUN));
  if (n * params.each >= params.grids) {
    return;
  }
  let voxel = place * u32(RUN) - n * voxels;
  let steps = half_steps(voxel_position(voxel, params.size), params.size);
  let from_first = (n * voxels + voxel) * params.channels + channel;
#for v in 0..RUN
  let value_${v} = x[from_first + ${v}u * params.channels];
#endfor
  for (var r = 0u; r < params.each; r++) {
#ifdef PER_SAMPLE
    let rows = octahedral_rows(rotations[n]);
#else
    let rows = octahedral_rows(rotations[r]);
#endif
#ifdef INVERSE
    let goal = octahedral_apply_inverse(rows, steps);
    let ahead = rows.x;
#else
    let goal = octahedral_apply(rows, steps);
    let ahead = vec3<i32>(rows.x.x, rows.y.x, rows.z.x);
#endif
    let to_voxel = (n * params.each + r) * voxels + voxel_index(from_half_steps(goal, params.size), params.size);
    let stride = ((ahead.z * i32(params.size) + ahead.y) * i32(params.size) + ahead.x) * i32(params.channels);
    let at_0 = i32(to_voxel * params.channels + channel);
    y[at_0] = value_0;
#for v in 1..RUN
    let at_${v} = at_${v - 1} + stride;
    y[at_${v}] = value_${v};
#endfor
  }
#else
  let grid = index / voxels;
  if (grid >= params.grids) {
    return;
  }
  let n = grid / params.each;
#ifdef PER_SAMPLE
  let rows = octahedral_rows(rotations[n]);
#else
  let rows = octahedral_rows(rotations[grid - n * params.each]);
#endif
  let steps = half_steps(voxel_position(index - grid * voxels, params.size), params.size);
#ifdef INVERSE
  let source = octahedral_apply(rows, steps);
#else
  let source = octahedral_apply_inverse(rows, steps);
#endif
  let from_voxel = n * voxels + voxel_index(from_half_steps(source, params.size), params.size);
  for (var c = 0u; c < params.channels; c++) {
    y[index * params.channels + c] = x[from_voxel * params.channels + c];
  }
#endif
}
