// What the edges of padded neighbour lists have themselves, what their neighbours have and what their centres have:
//
//   y[i, s] = x[i, s] + source[neighbours[i, s]] + target[i]
//
// where free slots, 0xffffffff in the list, have nothing of a neighbour. It makes a linear layer of the three side by
// side out of a product for each edge and two for each atom.
//
// Bindings: x (with EDGES), y [atoms slots, columns]; source, target [atoms, columns]; neighbours [atoms slots].
// Columns are counted in Reals. One thread an element of y.
// Constants: EDGES; VEC4: the columns are a multiple of 4; F16: all but the list are stored in half precision.
// Dispatch: threads1d(atoms slots columns).
#import thread
#import storage

struct Params { atoms: u32, slots: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<Stored>;
@group(0) @binding(2) var<storage, read> targets: array<Stored>;
@group(0) @binding(3) var<storage, read> neighbours: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
#ifdef EDGES
@group(0) @binding(5) var<storage, read> x: array<Stored>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let edge = at / params.columns;
  if (edge >= params.atoms * params.slots) {
    return;
  }
  let column = at - edge * params.columns;
  let neighbour = neighbours[edge];
  var sum = Real(targets[edge / params.slots * params.columns + column]);
  if (neighbour < params.atoms) {
    sum += Real(source[neighbour * params.columns + column]);
  }
#ifdef EDGES
  sum += Real(x[at]);
#endif
  y[at] = Stored(sum);
}
