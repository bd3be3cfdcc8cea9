// Gradient of y = f(x) * gate, element by element, f of shared/activated.wgsl:
//
//   gradX = gradY gate f'(x),   gradGate = gradY f(x)
//
// x, gate, gradY, gradX, gradGate  [count]; count in Reals
// VEC4: the number of elements is a multiple of 4. F16: all are stored in half precision.
// EACH: elements of a thread, WORKGROUP apart. Dispatch: threads1d(ceil(count / EACH)).
#import thread
#import activated
#import storage

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> gate: array<Stored>;
@group(0) @binding(3) var<storage, read> gradY: array<Stored>;
@group(0) @binding(4) var<storage, read_write> gradX: array<Stored>;
@group(0) @binding(5) var<storage, read_write> gradGate: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = linear_workgroup(wid, num) * (WORKGROUP * EACH) + lane;
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
    let value = Real(x[i]);
    let grad = Real(gradY[i]);
    gradX[i] = Stored(grad * Real(gate[i]) * activated_slope(value));
    gradGate[i] = Stored(grad * activated(value));
  }
}
