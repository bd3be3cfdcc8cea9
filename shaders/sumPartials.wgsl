// Second pass of the reductions: adds slices in their order to what is there already.
//
//   y[i] += sum over slices s of partial[s, first + i]
//
// Bindings: partial [slices, stride], y [count].
// Constants: WORKGROUP; EACH: elements that an invocation adds up, WORKGROUP apart.
// Dispatch: workgroups1d(ceil(count / (WORKGROUP EACH))).
// BATCH: many such sums, each with a row of the table: slices, count and stride after what all rows have.
#import grid

#ifdef BATCH
struct Params { calls: u32 }
const ROW = 6u;
#else
struct Params {
  slices: u32,
  count: u32,
  stride: u32,
  first: u32,
}
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#ifdef BATCH
@group(0) @binding(3) var<storage, read> table: array<u32>;
#import batch
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let workgroup = linear_workgroup(wid, num);
#ifdef BATCH
  let row = row_of(workgroup);
  let block = workgroup - table[row];
  let y_first = table[row + 1u];
  let partial_first = table[row + 2u];
  let slices = table[row + 3u];
  let count = table[row + 4u];
  let stride = table[row + 5u];
#else
  let block = workgroup;
  let y_first = 0u;
  let partial_first = params.first;
  let slices = params.slices;
  let count = params.count;
  let stride = params.stride;
#endif
  let first = block * (WORKGROUP * EACH) + local;
  let end = min(count, first + WORKGROUP * EACH);
  for (var at = first; at < end; at += WORKGROUP) {
    var source = partial_first + at;
    var sum = 0.0;
    for (var slice = 0u; slice < slices; slice++) {
      sum += partial[source];
      source += stride;
    }
    y[y_first + at] += sum;
  }
}
