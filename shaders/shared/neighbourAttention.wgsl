// What the passes of attention among the slots of neighbour lists have in common: for atom i and head h
//
//   logit[j, k] = scale q[j] . k[k] + bias d[j] . d[k],   p[j] = softmax over the slots k in use,   y[j] = sum of p v
//
// where d are the edges' unit vectors, edges [atoms, slots] of (d, distance). Lists fill their slots from the first; in
// free ones the distance is 0. qkv [atoms, slots, 3 width]: the queries of all heads, the keys, the values; a
// head has the columns h HEAD to (h + 1) HEAD of each.
//
// A thread makes BLOCK slots of one head; heads lie next to one another, so that neighbouring threads read what lies
// side by side. Named variables instead of arrays: `VECTORS` groups of four for each slot.
// Constants: VECTORS, HEAD / 4; BLOCK; VEC4; F16: qkv, y and gradients are stored in half precision.
// Dispatch: threads1d(atoms ceil(slots / BLOCK) heads).
#import thread
#import storage


struct Params { atoms: u32, slots: u32, heads: u32, blocks: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<Stored>;
@group(0) @binding(2) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;

struct Place {
  atom: u32,
  head: u32,
  block: u32,  // its first slot
}

fn place_of(thread: u32) -> Place {
  let head = thread % params.heads;
  let rest = thread / params.heads;
  let atom = rest / params.blocks;
  return Place(atom, head, (rest - atom * params.blocks) * BLOCK);
}

// Where the groups of four of a slot's query begin in qkv; keys and values are a width and two further on.
fn query_at(place: Place, slot: u32) -> u32 {
  return ((place.atom * params.slots + slot) * 3u * params.heads + place.head) * VECTORS;
}

// The same in a tensor [atoms, slots, width].
fn output_at(place: Place, slot: u32) -> u32 {
  return ((place.atom * params.slots + slot) * params.heads + place.head) * VECTORS;
}

fn width() -> u32 {
  return params.heads * VECTORS;
}
