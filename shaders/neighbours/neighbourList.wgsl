// The neighbours of each atom within a cutoff, at most `slots` of them: atoms j of the same structure with
//
//   1e-4 < d^2 <= cutoffSquared,   d^2 = dx dx + dy dy + dz dz in f32
//
// Where there are more, those with the smallest (d^2, j). The chosen ones stand in the order of j.
//
// How the last of them is found: `below` and `upto` are bits of squares between which the one in place `slots` lies. A
// square in between, where it would be were the others evenly spread or halfway of the bits, is put in place of one of
// them, until just as many as there are slots lie up to `upto`, or only ties are in between; of these the first count.
//
// Bindings: positions [structures, atoms] of (x, y, z, unused); counts [structures], how many of its atoms a structure
// has; neighbours [structures, atoms, slots] of atoms' indices in the batch, 0xffffffff where there is none;
// neighbourCounts, dropped [structures, atoms]: slots used, and those within the cutoff for which there was no slot.
// Constants: CHOOSE: atoms - 1 is above slots.
// Host: cutoffSquared is above 1e-4. One invocation per atom, of which a structure's are apart from those of the next:
// `padded` is atoms, rounded up to a multiple of WORKGROUP. Dispatch: threads1d(structures padded).
#import separation
#import thread

struct Params { structures: u32, atoms: u32, padded: u32, slots: u32, cutoffSquared: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> neighbours: array<u32>;
@group(0) @binding(4) var<storage, read_write> neighbourCounts: array<u32>;
@group(0) @binding(5) var<storage, read_write> dropped: array<u32>;

const FREE = 0xffffffffu;

// Neighbours of an atom up to `limit` among those from `first` to `end`.
fn count_within(centre: vec4<f32>, first: u32, end: u32, limit: u32) -> u32 {
  var count = 0u;
  for (var j = first; j < end; j++) {
    count += u32(is_within(bitcast<u32>(squared(centre, positions[j])), limit));
  }
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
  let first = structure * params.atoms;
  let end = first + min(counts[structure], params.atoms);
  let atom = first + i;
  let slots = params.slots;
  let centre = positions[atom];
  let limit = bitcast<u32>(params.cutoffSquared);
  var below = limit;
  var upto = limit;
  var ties = 0u;
  var total = 0u;
  if (atom < end) {
    total = count_within(centre, first, end, limit);
  }
#ifdef CHOOSE
  if (total > slots) {
    below = APART;
    var nearer = 0u;
    var reached = total;
    // Were they spread evenly in space, as many as slots would lie up to there.
    let share = (f32(slots) + 0.5) / f32(total);
    var guess = bitcast<u32>(params.cutoffSquared * pow(share, 2.0 / 3.0));
    for (var halve = true; reached != slots && upto - below > 1u; halve = !halve) {
      let middle = clamp(guess, below + 1u, upto - 1u);
      let count = count_within(centre, first, end, middle);
      if (count < slots) {
        below = middle;
        nearer = count;
      } else {
        upto = middle;
        reached = count;
      }
      let near = bitcast<f32>(below);
      let part = (f32(slots - nearer) + 0.5) / f32(reached - nearer + 1u);
      guess = select(bitcast<u32>(near + part * (bitcast<f32>(upto) - near)), below + (upto - below) / 2u, halve);
    }
    ties = slots - nearer;
  }
#endif
  let row = atom * slots;
  var used = 0u;
  if (total > 0u) {
    for (var j = first; j < end; j++) {
      let bits = bitcast<u32>(squared(centre, positions[j]));
      let is_tie = is_within(bits, upto) && bits > below;
      if (is_within(bits, below) || (is_tie && ties > 0u)) {
        neighbours[row + used] = j;
        used++;
        ties -= u32(is_tie);
      }
    }
  }
  neighbourCounts[atom] = used;
  dropped[atom] = total - used;
  for (var slot = used; slot < slots; slot++) {
    neighbours[row + slot] = FREE;
  }
}
