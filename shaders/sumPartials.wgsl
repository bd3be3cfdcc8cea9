// Second pass of the reductions: adds splits in their order to what is there already.
//
//   y[i] += sum over splits s of partial[s, first + i]
//
// Bindings: partial [splits, stride], y [count].
// Constants: WORKGROUP; EACH: elements that an invocation adds up, WORKGROUP apart.
// Dispatch: workgroups1d(ceil(count / (WORKGROUP EACH))).
// GROUPED: many such sums, each with a row of the table: splits, count and stride after what all rows have.
#import thread

#ifdef GROUPED
struct Params { calls: u32 }
const ROW = 6u;
#else
struct Params {
  splits: u32,
  count: u32,
  stride: u32,
  first: u32,
}
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#ifdef GROUPED
@group(0) @binding(3) var<storage, read> table: array<u32>;
#import dispatchGroup
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let workgroup = linear_workgroup(wid, num);
#ifdef GROUPED
  let row = row_of(workgroup);
  let block = workgroup - table[row];
  let y_first = table[row + 1u];
  let partial_first = table[row + 2u];
  let splits = table[row + 3u];
  let count = table[row + 4u];
  let stride = table[row + 5u];
#else
  let block = workgroup;
  let y_first = 0u;
  let partial_first = params.first;
  let splits = params.splits;
  let count = params.count;
  let stride = params.stride;
#endif
  let first = block * (WORKGROUP * EACH) + local;
  let end = min(count, first + WORKGROUP * EACH);
  for (var at = first; at < end; at += WORKGROUP) {
    var source = partial_first + at;
    var sum = 0.0;
    for (var split = 0u; split < splits; split++) {
      sum += partial[source];
      source += stride;
    }
    y[y_first + at] += sum;
  }
}
