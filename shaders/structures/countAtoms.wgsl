// Adds the atoms of chosen structures to a count: total[0] += sum of offsets[chosen[b] + 1] - offsets[chosen[b]].
// Bindings: offsets [S + 1], chosen [B], total [1], as f32, exact up to 2^24. One thread of one workgroup, as a batch
// has few structures.
// Dispatch: one workgroup.
#import thread

struct Params { structures: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> offsets: array<u32>;
@group(0) @binding(2) var<storage, read> chosen: array<u32>;
@group(0) @binding(3) var<storage, read_write> total: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main() {
  var sum = 0u;
  for (var b = 0u; b < params.structures; b++) {
    sum += offsets[chosen[b] + 1u] - offsets[chosen[b]];
  }
  total[0] += f32(sum);
}
