// The gradient of edgeForces.wgsl with respect to coefficients and magnitudes:
//
//   gradC[i, s] = m[i] d[i, s] * gradForces[i],   gradM[i] = sum over a of gradForces[i, a] sum over s of (c * d)[a]
//
// Bindings: as in edgeForces.wgsl; gradForces [atoms, 3]; gradC as c, gradM as m, written. One thread an atom.
// Constants: F16: c, m and their gradients are stored in half precision.
// Dispatch: threads1d(atoms).
#import thread
#import storage

struct Params { atoms: u32, slots: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> c: array<Stored>;
@group(0) @binding(2) var<storage, read> m: array<Stored>;
@group(0) @binding(3) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gradForces: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradC: array<Stored>;
@group(0) @binding(6) var<storage, read_write> gradM: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let atom = linear_thread(wid, num, lane);
  if (atom >= params.atoms) {
    return;
  }
  let gradient = vec3<f32>(gradForces[3u * atom], gradForces[3u * atom + 1u], gradForces[3u * atom + 2u]);
  let magnitude = Real(m[atom]);
  var sum = vec3<f32>();
  for (var edge = atom * params.slots; edge < (atom + 1u) * params.slots; edge++) {
    let direction = edges[edge].xyz;
    sum += vec3<f32>(Real(c[3u * edge]), Real(c[3u * edge + 1u]), Real(c[3u * edge + 2u])) * direction;
    let of_edge = magnitude * gradient * direction;
#for a in 0..3
    gradC[3u * edge + ${a}u] = Stored(of_edge[${a}]);
#endfor
  }
  gradM[atom] = Stored(dot(gradient, sum));
}
