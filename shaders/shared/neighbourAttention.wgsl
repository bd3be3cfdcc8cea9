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
// DROPOUT: of each p a share is dropped and the rest scaled up before it weighs a value; logSumExp is as without. Words
// of the keys 4 quad .. 4 quad + 3 of slot j in the structure n, whose atoms are counted from 0:
//   philox4x32(counter (((atom slots + j) heads + h) quads + quad, stream, step, step.sample + n), key)
//
// Constants: VECTORS, HEAD / 4; BLOCK; VEC4; DROPOUT; F16: qkv, y and gradients are stored in half precision.
// Dispatch: threads1d(atoms ceil(slots / BLOCK) heads).
#import thread
#import storage

struct Params {
  atoms: u32,
  slots: u32,
  heads: u32,
  blocks: u32,
  scale: f32,
#ifdef DROPOUT
  structureAtoms: u32,
  quads: u32,      // ceil(slots / 4)
  stream: u32,
  threshold: u32,  // rate * 2^32
  kept: f32,       // 1 / (1 - rate)
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<Stored>;
@group(0) @binding(2) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;

#ifdef DROPOUT
@group(0) @binding(9) var<uniform> step: Step;
#import streamBits
#endif

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

#ifdef DROPOUT
// What four keys' probabilities are multiplied by for a slot of the place's atom and head: 0 or 1 / (1 - rate).
fn kept_of(place: Place, slot: u32, quad: u32) -> vec4<f32> {
  let structure = place.atom / params.structureAtoms;
  let atom = place.atom - structure * params.structureAtoms;
  let row = (atom * params.slots + slot) * params.heads + place.head;
  let words = stream_bits(row * params.quads + quad, params.stream, structure);
  return select(vec4<f32>(), vec4<f32>(params.kept), words >= vec4<u32>(params.threshold));
}
#endif
