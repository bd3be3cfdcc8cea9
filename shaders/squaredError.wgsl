// Sums of squares, first pass, and the gradient of the squared error on the way:
//
//   partials[t] = sum of d^2 over the elements of thread t,  d = prediction - target (or x without ERROR)
//   gradPrediction = gradScale * d   (with ERROR; with SCALED times the scale of scaling.wgsl too)
// prediction, targets, gradPrediction, x  [count]; count in Reals
// partials  [WORKGROUP * workgroups]: threads without elements write 0
// VEC4: the number of floats is a multiple of 4.
// EACH: elements of a thread, WORKGROUP apart. Dispatch: `workgroups` of threads1d(ceil(count / EACH)).
#import thread
#import total
#import scaling

struct Params {
  count: u32,
  workgroups: u32,
#ifdef ERROR
  gradScale: f32,
#endif
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
#ifdef ERROR
@group(0) @binding(2) var<storage, read> prediction: array<Real>;
@group(0) @binding(3) var<storage, read> targets: array<Real>;
@group(0) @binding(4) var<storage, read_write> gradPrediction: array<Real>;
#ifdef SCALED
@group(0) @binding(5) var<storage, read> scaling: Scaling;
#endif
#else
@group(0) @binding(2) var<storage, read> x: array<Real>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = linear_workgroup(wid, num);
  if (group >= params.workgroups) {
    return;
  }
  let first = group * (WORKGROUP * EACH) + lane;
  var squares = Real(0.0);
  for (var i = first; i < min(first + WORKGROUP * EACH, params.count); i += WORKGROUP) {
#ifdef ERROR
    let d = prediction[i] - targets[i];
#ifdef SCALED
    gradPrediction[i] = params.gradScale * scaling.scale * d;
#else
    gradPrediction[i] = params.gradScale * d;
#endif
#else
    let d = x[i];
#endif
    squares += d * d;
  }
  partials[group * WORKGROUP + lane] = total(squares);
}
