// Where the atoms of each cell begin among those sorted by their cell, and their positions in that order.
//
// Bindings: keys [structures, atoms], cells; sorted [structures, atoms] of atoms' indices in the batch, 0xffffffff
// behind the last; positions [structures, atoms]; starts [structures, cells + 1], written; placed [structures, atoms]
// of positions, written. One invocation per start and one per atom.
// Dispatch: threads1d(structures (cells + 1 + atoms)).
#import thread

struct Params { structures: u32, atoms: u32, cells: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> sorted: array<u32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> starts: array<u32>;
@group(0) @binding(5) var<storage, read_write> placed: array<vec4<f32>>;

const FREE = 0xffffffffu;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let all_starts = params.structures * (params.cells + 1u);
  if (index < all_starts) {
    let structure = index / (params.cells + 1u);
    let cell = index % (params.cells + 1u);
    var low = structure * params.atoms;
    var high = low + params.atoms;
    while (low < high) {
      let middle = low + (high - low) / 2u;
      let atom = sorted[middle];
      if (atom != FREE && keys[atom] < cell) {
        low = middle + 1u;
      } else {
        high = middle;
      }
    }
    starts[index] = low;
    return;
  }
  let place = index - all_starts;
  if (place < params.structures * params.atoms) {
    let atom = sorted[place];
    if (atom != FREE) {
      placed[place] = positions[atom];
    }
  }
}
