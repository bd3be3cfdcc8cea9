// What a force field is to say of chosen structures in poses:
//
//   forceTargets[b, i] = R[b] forces of atom i of structure chosen[b],   energyTargets[b] = its energy
//
// Bindings: forces [A] of (x, y, z, 0); energies [S]; offsets [S + 1]; chosen [B]; poses [B, 12], of which the shift is
// not used; forceTargets [B, n, 3], 0 for padding; energyTargets [B].
// One thread a place for an atom. Dispatch: threads1d(B n).
#import thread
#import pose

struct Params { structures: u32, atoms: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> energies: array<f32>;
@group(0) @binding(3) var<storage, read> offsets: array<u32>;
@group(0) @binding(4) var<storage, read> chosen: array<u32>;
@group(0) @binding(5) var<storage, read> poses: array<Pose>;
@group(0) @binding(6) var<storage, read_write> forceTargets: array<f32>;
@group(0) @binding(7) var<storage, read_write> energyTargets: array<f32>;

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
  if (i == 0u) {
    energyTargets[b] = energies[chosen[b]];
  }
  var turned = vec3<f32>();
  if (i < offsets[chosen[b] + 1u] - first) {
    turned = rotated(poses[b], forces[first + i].xyz);
  }
#for a in 0..3
  forceTargets[3u * at + ${a}u] = turned[${a}];
#endfor
}
