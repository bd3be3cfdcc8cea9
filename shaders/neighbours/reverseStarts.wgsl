// Where the edges that end at each atom begin among those sorted by their neighbour, and how many there are.
//
// Bindings: neighbours [structures, items] of atoms' indices in the batch; sorted [structures, items] of entries of
// neighbours, 0xffffffff behind the last; starts, inDegrees [structures, atoms], written. One invocation per atom,
// which searches by halves. Dispatch: threads1d(structures atoms).
#import thread

struct Params { structures: u32, atoms: u32, items: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> neighbours: array<u32>;
@group(0) @binding(2) var<storage, read> sorted: array<u32>;
@group(0) @binding(3) var<storage, read_write> starts: array<u32>;
@group(0) @binding(4) var<storage, read_write> inDegrees: array<u32>;

// The first entry from `first` to `end` whose neighbour is `atom` or above.
fn first_from(atom: u32, first: u32, end: u32) -> u32 {
  var low = first;
  var high = end;
  while (low < high) {
    let middle = low + (high - low) / 2u;
    let edge = sorted[middle];
    if (edge != 0xffffffffu && neighbours[edge] < atom) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let atom = linear_thread(wid, num, lane);
  let structure = atom / params.atoms;
  if (structure >= params.structures) {
    return;
  }
  let end = (structure + 1u) * params.items;
  let start = first_from(atom, structure * params.items, end);
  starts[atom] = start;
  inDegrees[atom] = first_from(atom + 1u, start, end) - start;
}
