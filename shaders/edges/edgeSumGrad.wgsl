// The gradient of edgeSum.wgsl with respect to what the atoms have:
//
//   gradSource[j] = sum of gradY[e] over the edges e whose neighbour is j   (of the reverse list, in its order)
//   gradTarget[i] = sum over the slots s of gradY[i, s]
//
// Bindings: gradY [atoms slots, columns]; gradSource, gradTarget [atoms, columns]; starts, inDegrees [atoms]: where in
// `edges` those of an atom begin, and how many they are. Columns are counted in Reals. One thread an element of
// gradSource.
// Constants: VEC4: the columns are a multiple of 4; F16: the gradients are stored in half precision.
// Dispatch: threads1d(atoms columns).
#import thread
#import storage

struct Params { atoms: u32, slots: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradY: array<Stored>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> inDegrees: array<u32>;
@group(0) @binding(4) var<storage, read> edges: array<u32>;
@group(0) @binding(5) var<storage, read_write> gradSource: array<Stored>;
@group(0) @binding(6) var<storage, read_write> gradTarget: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let atom = at / params.columns;
  if (atom >= params.atoms) {
    return;
  }
  let column = at - atom * params.columns;
  var incoming = Real();
  let start = starts[atom];
  let end = start + inDegrees[atom];
  for (var k = start; k < end; k++) {
    incoming += Real(gradY[edges[k] * params.columns + column]);
  }
  gradSource[at] = Stored(incoming);
  var own = Real();
  let first = atom * params.slots;
  for (var edge = first; edge < first + params.slots; edge++) {
    own += Real(gradY[edge * params.columns + column]);
  }
  gradTarget[at] = Stored(own);
}
