// Puts items where their digit says (shared/sortKey.wgsl), the last pass of a digit. An invocation's own offsets count
// up in place.
//
// Bindings: keys, order [structures, items]; offsets [structures, BINS, runs], changed; sorted [structures, items] of
// items, written: where LAST, 0xffffffff for one whose key is `most`. One invocation per run.
// Constants: BINS, RUN, FIRST; LAST: of the last digit. Dispatch: threads1d(structures runs).
#import sortKey
#import thread

@group(0) @binding(3) var<storage, read_write> offsets: array<u32>;
@group(0) @binding(4) var<storage, read_write> sorted: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let structure = index / params.runs;
  let run = index % params.runs;
  if (structure >= params.structures) {
    return;
  }
  let of_run = structure * BINS * params.runs + run;
  let first = structure * params.items;
  let end = first + min((run + 1u) * RUN, params.items);
  for (var place = first + run * RUN; place < end; place++) {
    let item = item_at(place);
    let key = key_of(item, structure);
    let of_bin = of_run + digit_of(key) * params.runs;
    let to = offsets[of_bin];
    offsets[of_bin] = to + 1u;
#ifdef LAST
    sorted[to] = select(item, 0xffffffffu, key == params.most);
#else
    sorted[to] = item;
#endif
  }
}
