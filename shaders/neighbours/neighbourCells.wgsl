// As neighbourList.wgsl, with the same results, for many atoms: they are looked for in the cells around (shared/cells),
// in all up to `shell` cells from the atom's own. Whatever is in none of them is farther than `reach`; the shell grows
// until `slots` neighbours are nearer than that, or it is the cutoff. These are listed, and the nearest of them chosen;
// where they are more than the list holds, it is made anew of the nearest so many.
//
// Bindings: placed [structures, atoms] of positions, in the order of their cells; sorted [structures, atoms] of atoms'
// indices in the batch in that order; starts [structures, cells + 1], where a cell's atoms begin; grids [structures,
// 2]; neighbours, neighbourCounts, dropped: as in neighbourList.wgsl.
// Constants: MOST: entries of a list, more than slots; HAS_DROPPED: dropped is bound; PERIODIC
// (shared/separation.wgsl).
// Host: cutoffSquared is above 1e-4. One invocation per place in the order of cells, of which a structure's are apart
// from those of the next: `padded` is atoms, rounded up to a multiple of WORKGROUP. Dispatch: threads1d(structures
// padded).
#import cells
#import nearest
#import thread

struct Params {
  structures: u32,
  atoms: u32,
  padded: u32,
  slots: u32,
  cells: u32,
  cutoff: f32,
  cutoffSquared: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> placed: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> sorted: array<u32>;
@group(0) @binding(3) var<storage, read> starts: array<u32>;
@group(0) @binding(4) var<storage, read> grids: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> neighbours: array<u32>;
@group(0) @binding(6) var<storage, read_write> neighbourCounts: array<u32>;
#ifdef HAS_DROPPED
@group(0) @binding(7) var<storage, read_write> dropped: array<u32>;
#endif

const FREE = 0xffffffffu;
// Places of atoms are known so well, in cells.
const SLACK = 1e-3;

// An atom, and the cells among which its neighbours are: `span` of them along each axis from `low` on, around the end
// where they wrap. Cell (x, y, z) begins at starts[at + x + size.x (y + size.y z)].
struct Around {
  centre: vec4<f32>,
  low: vec3<u32>,
  span: vec3<u32>,
  size: vec3<u32>,
  at: u32,
  // Those in the list are looked at alone.
  listed: u32,
}

// Bits of squares, and indices.
var<private> list_bits: array<u32, MOST>;
var<private> list_atoms: array<u32, MOST>;

#ifdef PERIODIC
// A row that goes around the end is in two parts.
#let PARTS = 2
#else
#let PARTS = 1
#endif

// Where the atoms of a part of a row begin and end, which is so many rows from the lowest.
fn row_part(around: Around, y_step: u32, z_step: u32, part: u32) -> vec2<u32> {
  var y = around.low.y + y_step;
  var z = around.low.z + z_step;
  var first = around.low.x;
  var end = first + around.span.x;
#ifdef PERIODIC
  y -= select(0u, around.size.y, y >= around.size.y);
  z -= select(0u, around.size.z, z >= around.size.z);
  first = select(0u, first, part == 0u);
  end = select(max(end, around.size.x) - around.size.x, min(end, around.size.x), part == 0u);
#endif
  let row = around.at + (z * around.size.y + y) * around.size.x;
  return vec2<u32>(starts[row + first], starts[row + end]);
}

// The cells up to `shells` away from one along each axis.
fn spread(around: Around, cell: vec3<u32>, shells: vec3<u32>) -> Around {
  var wide = around;
  wide.low = cell - min(cell, shells);
  wide.span = min(cell + shells, around.size - 1u) + 1u - wide.low;
#ifdef PERIODIC
  if (repeats) {
    let is_all = 2u * shells + 1u >= around.size;
    wide.low = select(cell + select(around.size, vec3<u32>(), cell >= shells) - shells, vec3<u32>(), is_all);
    wide.span = select(2u * shells + 1u, around.size, is_all);
  }
#endif
  return wide;
}

fn count_within(around: Around, limit: u32) -> u32 {
  var count = 0u;
  if (around.listed > 0u) {
    for (var k = 0u; k < around.listed; k++) {
      count += u32(list_bits[k] <= limit);
    }
    return count;
  }
  for (var z = 0u; z < around.span.z; z++) {
    for (var y = 0u; y < around.span.y; y++) {
#for part in 0..PARTS
      let part_${part} = row_part(around, y, z, ${part}u);
      for (var j = part_${part}.x; j < part_${part}.y; j++) {
        count += u32(is_within(bitcast<u32>(squared(around.centre, placed[j])), limit));
      }
#endfor
    }
  }
  return count;
}

// Of those whose square has these bits, how many have an index up to `last`.
fn count_ties(around: Around, bits: u32, last: u32) -> u32 {
  var count = 0u;
  if (around.listed > 0u) {
    for (var k = 0u; k < around.listed; k++) {
      count += u32(list_bits[k] == bits && list_atoms[k] <= last);
    }
    return count;
  }
  for (var z = 0u; z < around.span.z; z++) {
    for (var y = 0u; y < around.span.y; y++) {
#for part in 0..PARTS
      let part_${part} = row_part(around, y, z, ${part}u);
      for (var j = part_${part}.x; j < part_${part}.y; j++) {
        count += u32(bitcast<u32>(squared(around.centre, placed[j])) == bits && sorted[j] <= last);
      }
#endfor
    }
  }
  return count;
}

// The index up to which there are `ties` of them.
fn last_tie(around: Around, bits: u32, ties: u32, first: u32, end: u32) -> u32 {
  var low = first;
  var high = end - 1u;
  while (low < high) {
    let middle = low + (high - low) / 2u;
    if (count_ties(around, bits, middle) < ties) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  return low;
}

// Lists those up to `chosen.upto`, of ties those up to `last`; how many they are, of which the list has the first.
fn make_list(around: Around, chosen: Nearest, last: u32) -> u32 {
  var count = 0u;
  for (var z = 0u; z < around.span.z; z++) {
    for (var y = 0u; y < around.span.y; y++) {
#for part in 0..PARTS
      let part_${part} = row_part(around, y, z, ${part}u);
      for (var j = part_${part}.x; j < part_${part}.y; j++) {
        let bits = bitcast<u32>(squared(around.centre, placed[j]));
        if (is_within(bits, chosen.upto) && (bits <= chosen.below || sorted[j] <= last)) {
          list_atoms[min(count, MOST - 1u)] = j;
          count++;
        }
      }
#endfor
    }
  }
  // What is loaded for few alone.
  for (var k = 0u; k < min(count, MOST); k++) {
    let j = list_atoms[k];
    list_bits[k] = bitcast<u32>(squared(around.centre, placed[j]));
    list_atoms[k] = sorted[j];
  }
  return count;
}

#ifdef HAS_DROPPED
// All up to the cutoff.
fn count_all(around: Around, grid: Grid, place: vec3<f32>, cell: vec3<u32>, limit: u32) -> u32 {
  var all = spread(around, cell, vec3<u32>(params.cutoff / grid.edges + SLACK) + 1u);
  all.listed = 0u;
#ifdef PERIODIC
  return count_within(all, limit);
#else
  // In rows of cells that the cutoff reaches.
  let reach = params.cutoff * grid.per_edge + SLACK;
  var count = 0u;
  for (var z = all.low.z; z < all.low.z + all.span.z; z++) {
    let away_z = max(max(f32(z) - place.z, place.z - f32(z + 1u)), 0.0);
    for (var y = all.low.y; y < all.low.y + all.span.y; y++) {
      let away_y = max(max(f32(y) - place.y, place.y - f32(y + 1u)), 0.0);
      let along = sqrt(max(reach * reach - away_y * away_y - away_z * away_z, 0.0)) + SLACK;
      let row = around.at + (z * around.size.y + y) * around.size.x;
      let end = starts[row + cell_of(grid, vec3<f32>(place.x + along)).x + 1u];
      for (var j = starts[row + cell_of(grid, vec3<f32>(place.x - along)).x]; j < end; j++) {
        count += u32(is_within(bitcast<u32>(squared(around.centre, placed[j])), limit));
      }
    }
  }
  return count;
#endif
}
#endif

// Nothing that is more than `shell` cells away from `cell` along any axis is nearer than this.
fn reach_of(grid: Grid, place: vec3<f32>, cell: vec3<u32>, shell: u32) -> f32 {
  // Where the grid ends there is nothing.
  let none = vec3<f32>(1e15);
  var has_left = cell > vec3<u32>(shell);
  var has_right = cell + shell + 1u < grid.size;
#ifdef PERIODIC
  if (repeats) {
    has_left = vec3<u32>(2u * shell + 1u) < grid.size;
    has_right = has_left;
  }
#endif
  let left = select(none, place - vec3<f32>(cell) + f32(shell), has_left);
  let right = select(none, vec3<f32>(cell + shell + 1u) - place, has_right);
  let sides = max(min(left, right) - SLACK, vec3<f32>()) * grid.edges;
  return min(sides.x, min(sides.y, sides.z));
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
  let at = structure * (params.cells + 1u);
  let end = starts[at + params.cells];
#ifdef PERIODIC
  use_lattice(structure);
#endif
  let slots = params.slots;
  var atom = first + i;
  var used = 0u;
  var total = 0u;
  // Padding is in its own order, behind all cells.
  if (atom < end) {
    let centre = placed[atom];
    atom = sorted[atom];
    let row = atom * slots;
    let grid = grid_of(grids[2u * structure], grids[2u * structure + 1u]);
    let place = place_of(grid, centre.xyz);
    let cell = cell_of(grid, place);
    let cutoff = bitcast<u32>(params.cutoffSquared);
    let most_shells = params.cutoff / min(grid.edges.x, min(grid.edges.y, grid.edges.z)) + 1.0;
    var around = Around(centre, cell, vec3<u32>(1u), grid.size, at, 0u);
    var limit = 0u;
    var found = 0u;
    for (var shell = 2u; limit < cutoff && found < slots; ) {
      around = spread(around, cell, vec3<u32>(shell));
      let reach = reach_of(grid, place, cell, shell) * 0.99999;
      limit = min(cutoff, bitcast<u32>(reach * reach));
      found = 0u;
      if (limit > APART) {
        found = make_list(around, Nearest(limit, limit, 0u, 0u), end);
      }
      // As many cells more as would do were atoms evenly spread, up to what the cutoff needs.
      let more = f32(shell) * pow(1.5 * f32(slots) / f32(found + 1u), 1.0 / 3.0);
      shell = max(shell + 1u, u32(min(more, most_shells)));
    }
    if (found > MOST) {
      let some = nearest(around, slots, MOST, limit, found);
      var last_of_some = end;
      if (some.reached > MOST) {
        last_of_some = last_tie(around, some.upto, some.ties, first, end);
      }
      limit = some.upto;
      found = make_list(around, some, last_of_some);
    }
    around.listed = found;
    var chosen = Nearest(limit, limit, 0u, found);
    var last = end;
    if (found > slots) {
      chosen = nearest(around, slots, slots, limit, found);
      if (chosen.reached > slots) {
        last = last_tie(around, chosen.upto, chosen.ties, first, end);
      }
    }
    for (var k = 0u; k < found; k++) {
      let bits = list_bits[k];
      let other = list_atoms[k];
      if (bits <= chosen.below || (bits <= chosen.upto && other <= last)) {
        // Into the order of indices, in the list's beginning, which is done with.
        var slot = used;
        for (; slot > 0u; slot--) {
          let before = list_atoms[slot - 1u];
          if (before < other) {
            break;
          }
          list_atoms[slot] = before;
        }
        list_atoms[slot] = other;
        used++;
      }
    }
    for (var slot = 0u; slot < used; slot++) {
      neighbours[row + slot] = list_atoms[slot];
    }
#ifdef HAS_DROPPED
    total = used;
    if (used == slots) {
      total = count_all(around, grid, place, cell, cutoff);
    }
#endif
  }
  neighbourCounts[atom] = used;
#ifdef HAS_DROPPED
  dropped[atom] = total - used;
#endif
  for (var slot = used; slot < slots; slot++) {
    neighbours[atom * slots + slot] = FREE;
  }
}
