// Windows of chains as a padded batch, each about its own centroid and turned:
//
//   targets[b, registers + i] = R[b] (positions[first + i] - their mean),   i = 0 .. length - 1
//
// and 0 for registers and padding. The poses' shifts play no part. With AXES the places are turned by the matrix of
// the window's first row before.
//
// Bindings: positions f32 [rows, 3]; windows [chains] of (first, length), length <= side - registers; poses [chains] as
// samplePose makes them; axes f32 [rows, 9], row major, with AXES; targets f32 [chains, side, 3] and residues f32
// [chains, side], 1 or 0, both written.
// Constants: AXES; WORKGROUP, invocations of a chain; a sum's order is theirs. Dispatch: workgroups1d(chains).
#import grid
#import pose

struct Params { chains: u32, side: u32, registers: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<f32>;
@group(0) @binding(2) var<storage, read> windows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> poses: array<Pose>;
@group(0) @binding(4) var<storage, read_write> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> residues: array<f32>;
#ifdef AXES
@group(0) @binding(6) var<storage, read> axes: array<f32>;

fn along(row: u32, axis: u32, place: vec3<f32>) -> f32 {
  let at = 9u * row + 3u * axis;
  return dot(vec3<f32>(axes[at], axes[at + 1u], axes[at + 2u]), place);
}
#endif

var<workgroup> parts: array<vec4<f32>, WORKGROUP>;

fn position(row: u32) -> vec3<f32> {
  return vec3<f32>(positions[3u * row], positions[3u * row + 1u], positions[3u * row + 2u]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = linear_workgroup(wid, num);
  let tokens = select(0u, params.side, chain < params.chains);
  let window = windows[min(chain, params.chains - 1u)];
  let length = select(0u, window.y, chain < params.chains);
  var own = vec3<f32>();
  for (var i = lane; i < length; i += WORKGROUP) {
    own += position(window.x + i);
  }
  parts[lane] = vec4<f32>(own, 0.0);
  workgroupBarrier();
  var sum = vec3<f32>();
  for (var other = 0u; other < WORKGROUP; other++) {
    sum += parts[other].xyz;
  }
  let mean = sum / f32(max(length, 1u));
  for (var token = lane; token < tokens; token += WORKGROUP) {
    let is_residue = token >= params.registers && token - params.registers < length;
    var target_position = vec3<f32>();
    if (is_residue) {
      var place = position(window.x + token - params.registers) - mean;
#ifdef AXES
      place = vec3<f32>(along(window.x, 0u, place), along(window.x, 1u, place), along(window.x, 2u, place));
#endif
      target_position = rotated(poses[chain], place);
    }
    let at = chain * params.side + token;
#for a in 0..3
    targets[3u * at + ${a}u] = target_position[${a}];
#endfor
    residues[at] = select(0.0, 1.0, is_residue);
  }
}
