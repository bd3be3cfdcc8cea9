// Where the items of each run whose digit has a value go: behind those of smaller values, and of runs before.
//
//   offsets[s, bin, run] = s items + sum over b < bin of totals[s, b] + sum over r < run of found[s, bin, r]
//
// Bindings: found [structures, BINS, runs]; totals [structures, BINS]; offsets [structures, BINS, runs], written. One
// invocation per structure and bin.
// Constants: BINS. Dispatch: threads1d(structures BINS).
#import thread

struct Params { structures: u32, items: u32, runs: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> found: array<u32>;
@group(0) @binding(2) var<storage, read> totals: array<u32>;
@group(0) @binding(3) var<storage, read_write> offsets: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let structure = index / BINS;
  if (structure >= params.structures) {
    return;
  }
  var offset = structure * params.items;
  for (var before = structure * BINS; before < index; before++) {
    offset += totals[before];
  }
  for (var run = 0u; run < params.runs; run++) {
    offsets[index * params.runs + run] = offset;
    offset += found[index * params.runs + run];
  }
}
