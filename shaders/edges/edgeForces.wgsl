// Forces from the edges of padded neighbour lists (EScAIP: arXiv 2410.24169):
//
//   forces[i] = m[i] sum over the slots s of c[i, s] * d[i, s]      component by component
//
// where d are the edges' unit vectors, 0 in free slots. The coefficients c are not equal along the axes, which is where
// the symmetry under rotation may be lost.
//
// Bindings: c [atoms slots, 3], m [atoms], edges [atoms slots] of (d, distance), forces [atoms, 3]. One thread an atom.
// Constants: F16: c and m are stored in half precision.
// Dispatch: threads1d(atoms).
#import thread
#import storage

struct Params { atoms: u32, slots: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> c: array<Stored>;
@group(0) @binding(2) var<storage, read> m: array<Stored>;
@group(0) @binding(3) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> forces: array<f32>;

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
  var sum = vec3<f32>();
  for (var edge = atom * params.slots; edge < (atom + 1u) * params.slots; edge++) {
    sum += vec3<f32>(Real(c[3u * edge]), Real(c[3u * edge + 1u]), Real(c[3u * edge + 2u])) * edges[edge].xyz;
  }
  let force = Real(m[atom]) * sum;
#for a in 0..3
  forces[3u * atom + ${a}u] = force[${a}];
#endfor
}
