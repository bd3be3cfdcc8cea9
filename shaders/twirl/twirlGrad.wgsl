// Gradients of the twirled loss and its terms by the raw predictions. With f_k = T_k^-1 predictions[n * K + k], their
// mean m and the target y of a sample,
//   gradPredictions[n * K + k] = T_k (weights[0] * (f_k - y) + weights[1] * (f_k - m)),
// which is computed where the raw prediction lies: T_k y and T_k m are read at R_k^-1 p.
// ABSOLUTE, HUBER: another loss than the squared error, with slope d(e) = sign(e), or e clamped to +-delta, of an
// error e; gradPredictions[n * K + k] = T_k (weights[0] * d(f_k - y) + weights[1] * (d(f_k - y) - d(m - y))).
// Bindings: rotations [K]; weights [2]; predictions, gradPredictions [N * K, D, D, D, C], sample-major; mean and
// targetGrid [N, D, D, D, C]. Without TARGET y is 0 and not bound; other losses have one.
// One thread writes one voxel. VEC4: C is a multiple of 4 and `channels` counts groups of four.
// Dispatch: threads1d(N * K * D^3).
#import thread
#import real
#import voxels
#import octahedral
#if defined(ABSOLUTE) || defined(HUBER)
#import nan
#endif

struct Params {
  grids: u32,
  rotations: u32,
  size: u32,
  channels: u32,
#ifdef HUBER
  delta: f32,
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotations: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> predictions: array<Real>;
@group(0) @binding(4) var<storage, read> mean: array<Real>;
#ifdef TARGET
@group(0) @binding(5) var<storage, read> targetGrid: array<Real>;
#endif
@group(0) @binding(6) var<storage, read_write> gradPredictions: array<Real>;

#if defined(ABSOLUTE) || defined(HUBER)
// WGSL leaves open what sign and clamp make of NaN.
fn slope(error: Real) -> Real {
#ifdef ABSOLUTE
  let found = sign(error);
#else
  let found = clamp(error, Real(-params.delta), Real(params.delta));
#endif
#ifdef VEC4
  let lost = vec4<bool>(is_nan(error.x), is_nan(error.y), is_nan(error.z), is_nan(error.w));
#else
  let lost = is_nan(error);
#endif
  return select(found, error, lost);
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let voxels = params.size * params.size * params.size;
  let grid = index / voxels;
  if (grid >= params.grids) {
    return;
  }
  let n = grid / params.rotations;
  let rows = octahedral_rows(rotations[grid - n * params.rotations]);
  let steps = half_steps(voxel_position(index - grid * voxels, params.size), params.size);
  let source = octahedral_apply_inverse(rows, steps);
  let home = (n * voxels + voxel_index(from_half_steps(source, params.size), params.size)) * params.channels;
  for (var c = 0u; c < params.channels; c++) {
    let f = predictions[index * params.channels + c];
#ifdef TARGET
    let error = f - targetGrid[home + c];
#else
    let error = f;
#endif
#if defined(ABSOLUTE) || defined(HUBER)
    let own = slope(error);
    let apart = own - slope(mean[home + c] - targetGrid[home + c]);
    gradPredictions[index * params.channels + c] = weights[0] * own + weights[1] * apart;
#else
    gradPredictions[index * params.channels + c] = weights[0] * error + weights[1] * (f - mean[home + c]);
#endif
  }
}
