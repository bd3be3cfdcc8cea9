// Rows of a table: y[n] = table[indices[n]], 0 for an index beyond the last row.
// With GRAD the gradient, gradTable[r] += sum of gradY[n] over the n whose index is r, in their order.
//
// Bindings: indices [count]; table, gradTable [rows, columns]; y, gradY [count, columns]; columns in Reals. One thread
// an element of what is written. Every thread of the gradient goes through all indices, which are few.
// Constants: GRAD; VEC4: the columns are a multiple of 4; F16: y and gradY are stored in half precision.
// Dispatch: threads1d(count columns), with GRAD threads1d(rows columns).
#import thread
#import storage

struct Params { count: u32, rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
#ifdef GRAD
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gradTable: array<Real>;
#else
@group(0) @binding(2) var<storage, read> table: array<Real>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let row = at / params.columns;
  let column = at - row * params.columns;
#ifdef GRAD
  if (row >= params.rows) {
    return;
  }
  var sum = Real();
  for (var n = 0u; n < params.count; n++) {
    if (indices[n] == row) {
      sum += Real(gradY[n * params.columns + column]);
    }
  }
  gradTable[at] += sum;
#else
  if (row >= params.count) {
    return;
  }
  let index = indices[row];
  var value = Real();
  if (index < params.rows) {
    value = table[index * params.columns + column];
  }
  y[at] = Stored(value);
#endif
}
