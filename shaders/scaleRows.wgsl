// Rows of a matrix times a factor each: y[r, c] = weight[r] x[r, c]. With GRAD, added to what is there,
//
//   gradX[r, c] += weight[r] gradY[r, c],   gradWeight[r] += sum over c of x[r, c] gradY[r, c]
//
// Bindings: x, y, gradX, gradY f32 [rows, columns]; weight, gradWeight f32 [rows].
// Constants: GRAD. Dispatch: threads1d(rows columns), with GRAD threads1d(rows).
#import thread

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
#ifdef GRAD
@group(0) @binding(3) var<storage, read> gradY: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradX: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradWeight: array<f32>;
#else
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
#ifdef GRAD
  if (index >= params.rows) {
    return;
  }
  let factor = weight[index];
  var sum = 0.0;
  for (var at = index * params.columns; at < (index + 1u) * params.columns; at++) {
    let gradient = gradY[at];
    gradX[at] += factor * gradient;
    sum += x[at] * gradient;
  }
  gradWeight[index] += sum;
#else
  if (index < params.rows * params.columns) {
    y[index] = weight[index / params.columns] * x[index];
  }
#endif
}
