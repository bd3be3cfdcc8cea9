// Windows of chains as a padded batch, each about its own centroid and turned:
//
//   targets[b, registers + i] = R[b] (positions[first + i] - their mean),   i = 0 .. length - 1
//
// and 0 for registers and padding. The poses' shifts play no part.
//
// Bindings: positions f32 [rows, 3]; windows [chains] of (first, length), length <= side - registers; poses [chains] as
// samplePose makes them; targets f32 [chains, side, 3] and residues f32 [chains, side], 1 or 0, both written.
// Constants: WORKGROUP, invocations of a chain; a sum's order is theirs. Dispatch: workgroups1d(chains).
#import grid
#import pose

struct Params { chains: u32, side: u32, registers: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<f32>;
@group(0) @binding(2) var<storage, read> windows: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> poses: array<Pose>;
@group(0) @binding(4) var<storage, read_write> targets: array<f32>;
@group(0) @binding(5) var<storage, read_write> residues: array<f32>;

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
      target_position = rotated(poses[chain], position(window.x + token - params.registers) - mean);
    }
    let at = chain * params.side + token;
#for a in 0..3
    targets[3u * at + ${a}u] = target_position[${a}];
#endfor
    residues[at] = select(0.0, 1.0, is_residue);
  }
}
