// The neighbours of each atom within a cutoff, at most `slots` of them: atoms j of the same structure with
//
//   1e-4 < d^2 <= cutoffSquared,   d^2 = dx dx + dy dy + dz dz in f32
//
// and with PERIODIC from the nearest image. Where there are more, those with the smallest (d^2, j). The chosen ones
// stand in the order of j.
//
// Which is the last of them shared/nearest.wgsl says; of ties the first count.
//
// Bindings: positions [structures, atoms] of (x, y, z, unused); counts [structures], how many of its atoms a structure
// has; neighbours [structures, atoms, slots] of atoms' indices in the batch, 0xffffffff where there is none;
// neighbourCounts, dropped [structures, atoms]: slots used, and those within the cutoff for which there was no slot.
// Constants: BLOCKS: the squares of all atoms are kept, in blocks of eight, else found anew for each count; CHOOSE:
// atoms less one are more than slots; HAS_DROPPED: dropped is bound; PERIODIC (shared/separation.wgsl).
// Host: cutoffSquared is above 1e-4. One invocation per atom, of which a structure's are apart from those of the next:
// `padded` is atoms, rounded up to a multiple of WORKGROUP. Dispatch: threads1d(structures padded).
#import nearest
#import thread

struct Params { structures: u32, atoms: u32, padded: u32, slots: u32, cutoffSquared: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> neighbours: array<u32>;
@group(0) @binding(4) var<storage, read_write> neighbourCounts: array<u32>;
#ifdef HAS_DROPPED
@group(0) @binding(5) var<storage, read_write> dropped: array<u32>;
#endif

const FREE = 0xffffffffu;

// An atom, and those among which its neighbours are.
struct Around { centre: vec4<f32>, first: u32, end: u32 }

#ifdef BLOCKS
// Bits of the squares, zeros behind the last. Constant inner indices are cheap for software adapters.
var<private> kept: array<array<u32, 8>, BLOCKS>;

fn keep(around: Around) {
  for (var j = around.first; j < around.end; j += 8u) {
#for k in 0..8
    let bits_${k} = bitcast<u32>(squared(around.centre, positions[min(j + ${k}u, around.end - 1u)]));
    kept[(j - around.first) / 8u][${k}] = select(0u, bits_${k}, j + ${k}u < around.end);
#endfor
  }
}
#endif

fn count_within(around: Around, limit: u32) -> u32 {
  var count = 0u;
#ifdef BLOCKS
  for (var block = 0u; 8u * block < around.end - around.first; block++) {
#for k in 0..8
    count += u32(is_within(kept[block][${k}], limit));
#endfor
  }
#else
  for (var j = around.first; j < around.end; j++) {
    count += u32(is_within(bitcast<u32>(squared(around.centre, positions[j])), limit));
  }
#endif
  return count;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let structure = linear_workgroup(wid, num) * WORKGROUP / params.padded;
  let i = linear_thread(wid, num, lane) - structure * params.padded;
  if (structure >= params.structures || i >= params.atoms) {
    return;
  }
#ifdef PERIODIC
  use_lattice(structure);
#endif
  let first = structure * params.atoms;
  let end = first + min(counts[structure], params.atoms);
  let atom = first + i;
  let slots = params.slots;
  let around = Around(positions[atom], first, end);
  let limit = bitcast<u32>(params.cutoffSquared);
  var total = 0u;
  if (atom < end) {
#ifdef BLOCKS
    keep(around);
#endif
    total = count_within(around, limit);
  }
  var chosen = Nearest(limit, limit, 0u, 0u);
#ifdef CHOOSE
  if (total > slots) {
    chosen = nearest(around, slots, slots, limit, total);
  }
#endif
  let row = atom * slots;
  var used = 0u;
  if (total > 0u) {
#ifdef BLOCKS
    for (var block = 0u; 8u * block < end - first; block++) {
#for k in 0..8
      let bits_${k} = kept[block][${k}];
      let is_tie_${k} = bits_${k} > chosen.below;
      if (is_within(bits_${k}, chosen.upto) && (!is_tie_${k} || chosen.ties > 0u)) {
        neighbours[row + used] = first + 8u * block + ${k}u;
        used++;
        chosen.ties -= u32(is_tie_${k});
      }
#endfor
    }
#else
    for (var j = first; j < end; j++) {
      let bits = bitcast<u32>(squared(around.centre, positions[j]));
      let is_tie = bits > chosen.below;
      if (is_within(bits, chosen.upto) && (!is_tie || chosen.ties > 0u)) {
        neighbours[row + used] = j;
        used++;
        chosen.ties -= u32(is_tie);
      }
    }
#endif
  }
  neighbourCounts[atom] = used;
#ifdef HAS_DROPPED
  dropped[atom] = total - used;
#endif
  for (var slot = used; slot < slots; slot++) {
    neighbours[row + slot] = FREE;
  }
}
