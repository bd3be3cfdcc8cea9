// Chosen structures as a padded batch, as they lie and in poses:
//
//   positions[b, i] = atom i of structure chosen[b],   posed[b, i] = R[b] positions[b, i] + shift[b]
//
// Bindings: atoms [A] of (x, y, z, atomic number as f32), Angstrom; offsets [S + 1]: structure s owns atoms offsets[s]
// to offsets[s + 1] - 1; chosen [B]; poses [B, 12] as samplePose makes them; positions, posed [B, n] of (x, y, z, 0);
// numbers [B, n], 0xffffffff for padding, whose positions are 0; counts [B]: atoms there are, n at most.
// One thread a place for an atom. Dispatch: threads1d(B n).
#import thread
#import pose

struct Params { structures: u32, atoms: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> atoms: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> offsets: array<u32>;
@group(0) @binding(3) var<storage, read> chosen: array<u32>;
@group(0) @binding(4) var<storage, read> poses: array<Pose>;
@group(0) @binding(5) var<storage, read_write> positions: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> posed: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> numbers: array<u32>;
@group(0) @binding(8) var<storage, read_write> counts: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let b = at / params.atoms;
  if (b >= params.structures) {
    return;
  }
  let i = at - b * params.atoms;
  let first = offsets[chosen[b]];
  let count = min(offsets[chosen[b] + 1u] - first, params.atoms);
  if (i == 0u) {
    counts[b] = count;
  }
  var atom = vec4<f32>();
  var turned = vec3<f32>();
  if (i < count) {
    atom = atoms[first + i];
    turned = rotated(poses[b], atom.xyz) + shift_of(poses[b]);
  }
  positions[at] = vec4<f32>(atom.xyz, 0.0);
  posed[at] = vec4<f32>(turned, 0.0);
  numbers[at] = select(0xffffffffu, u32(atom.w), i < count);
}
