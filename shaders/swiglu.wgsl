// SwiGLU (Shazeer 2020, arXiv 2002.05202), row by row: y = a * silu(g), where a row of x is a, then g. With GRAD
//
//   gradA = gradY silu(g),   gradG = gradY a silu'(g),   which lie in gradX as a and g in x.
//
// x, gradX  [rows, 2 columns]; columns in Reals
// y, gradY  [rows, columns]; count = rows columns
// VEC4: the columns are a multiple of 4, and counted in fours. F16: all are stored in half precision.
// EACH: elements of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(count / EACH)).
#import thread
#import sigmoid
#import storage

struct Params {
  count: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
#ifdef GRAD
@group(0) @binding(2) var<storage, read> gradY: array<Stored>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Stored>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
    let at = i + i / params.columns * params.columns;
    let factor = Real(x[at]);
    let gate = Real(x[at + params.columns]);
#ifdef GRAD
    let grad = Real(gradY[i]);
    gradX[at] = Stored(grad * silu(gate));
    gradX[at + params.columns] = Stored(grad * factor * silu_slope(gate));
#else
    y[i] = Stored(factor * silu(gate));
#endif
  }
}
