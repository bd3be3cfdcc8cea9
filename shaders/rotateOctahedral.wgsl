// Exact rotation of cubic grids by elements of the octahedral group: y(p) = x(R^-1 p), an index permutation.
//   y[n * R + r] = T_{rotations[r]} x[n]                  (sample-major, then rotation)
//   PER_SAMPLE:  y[n] = T_{rotations[n]} x[n]             (R = 1)
//   INVERSE:     the inverse element instead of the element
// Bindings: rotations [R] or [N], indices 0 to 23; x [N, D, D, D, C]; y [N * R, D, D, D, C].
// One thread moves one voxel. VEC4: C is a multiple of 4 and `channels` counts groups of four.
// Constants: PER_SAMPLE, INVERSE, VEC4. Workgroups: ceil(N * R * D^3 / 64), folded.
#import grid
#import voxels
#import octahedral

#ifdef VEC4
alias Element = vec4<f32>;
#else
alias Element = f32;
#endif

struct Params {
  grids: u32,
  per_sample: u32,
  size: u32,
  channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num) * 64u + lane;
  let voxels = params.size * params.size * params.size;
  let grid = index / voxels;
  if (grid >= params.grids) {
    return;
  }
  let n = grid / params.per_sample;
#ifdef PER_SAMPLE
  let rows = octahedral_rows(rotations[n]);
#else
  let rows = octahedral_rows(rotations[grid - n * params.per_sample]);
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
}
