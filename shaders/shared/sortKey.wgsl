// Keys of a stable sort that goes by one digit after another, the lowest first; sortCount.wgsl, sortOffsets.wgsl and
// sortPlace.wgsl are one digit's passes. Each of `structures` has `items` keys and is sorted apart; its items are cut
// into `runs` of RUN, of which one invocation each takes care, in their order: so nothing depends on who is first.
//
// A key is keys[item] - structure base, or `most` where that is above.
//
// Constants: BINS: values of a digit; RUN; FIRST: of the first digit, before which items stand in their own order.

struct Params { structures: u32, items: u32, runs: u32, base: u32, most: u32, shift: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
#ifndef FIRST
@group(0) @binding(2) var<storage, read> order: array<u32>;
#endif

// The item that stands at this place before the pass.
fn item_at(place: u32) -> u32 {
#ifdef FIRST
  return place;
#else
  return order[place];
#endif
}

fn key_of(item: u32, structure: u32) -> u32 {
  return min(keys[item] - structure * params.base, params.most);
}

fn digit_of(key: u32) -> u32 {
  return (key >> params.shift) % BINS;
}
