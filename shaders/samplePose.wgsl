// Random poses: a rotation and a shift for each sample.
// Bindings: step (uniform), poses [samples, 12]: nine entries of the rotation matrix, row major, active
// (position = R atom + shift), then the shift in Angstrom, uniform in (-shift, shift) along each axis.
//   SO3:         Haar measure, by the unit quaternion of four normal numbers
//   OCTAHEDRAL:  one of the 24 elements, equally likely
//   neither:     identity
// counter = (0 for the rotation, 1 for the shift; stream, step.step, step.sample + n). One thread a sample.
// Dispatch: threads1d(samples). Constants: SO3, OCTAHEDRAL (at most one).
#import thread
#import step
#import random
#import octahedral

struct Params {
  samples: u32,
  stream: u32,
  shift: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read_write> poses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = linear_thread(wid, num, lane);
  if (n >= params.samples) {
    return;
  }
  let key = vec2<u32>(step.seedLo, step.seedHi);
  let sample = step.sample + n;
  var row_x = vec3<f32>(1.0, 0.0, 0.0);
  var row_y = vec3<f32>(0.0, 1.0, 0.0);
  var row_z = vec3<f32>(0.0, 0.0, 1.0);
#ifdef SO3
  // The normals of a pair come from a radius of at least 3e-4, so the norm is never zero.
  let normals = normals_from_bits(philox4x32(vec4<u32>(0u, params.stream, step.step, sample), key));
  let q = normals / sqrt(dot(normals, normals));
  row_x = vec3<f32>(1.0 - 2.0 * (q.y * q.y + q.z * q.z), 2.0 * (q.x * q.y - q.w * q.z), 2.0 * (q.x * q.z + q.w * q.y));
  row_y = vec3<f32>(2.0 * (q.x * q.y + q.w * q.z), 1.0 - 2.0 * (q.x * q.x + q.z * q.z), 2.0 * (q.y * q.z - q.w * q.x));
  row_z = vec3<f32>(2.0 * (q.x * q.z - q.w * q.y), 2.0 * (q.y * q.z + q.w * q.x), 1.0 - 2.0 * (q.x * q.x + q.y * q.y));
#endif
#ifdef OCTAHEDRAL
  let bits = philox4x32(vec4<u32>(0u, params.stream, step.step, sample), key);
  let rows = octahedral_rows(mul_high(bits.x, 24u));
  row_x = vec3<f32>(rows.x);
  row_y = vec3<f32>(rows.y);
  row_z = vec3<f32>(rows.z);
#endif
  let uniforms = uniforms_from_bits(philox4x32(vec4<u32>(1u, params.stream, step.step, sample), key));
  let shift = params.shift * (2.0 * uniforms.xyz - 1.0);
  let at = n * 12u;
#for k in 0..3
  poses[at + ${k}u] = row_x[${k}];
  poses[at + ${3 + k}u] = row_y[${k}];
  poses[at + ${6 + k}u] = row_z[${k}];
  poses[at + ${9 + k}u] = shift[${k}];
#endfor
}
