// Sums of squares, first pass, and the gradient of the squared error on the way:
//
//   partials[w * 64 + lane] = sum of d^2 over the thread's elements,  d = prediction - truth (or x without ERROR)
//   gradPrediction = gradScale * d   (with ERROR; with SCALED times the scale of scaling.wgsl too)
// prediction, truth, gradPrediction, x  [count]; count in Reals
// partials  [64 * workgroups]: threads without elements write 0
// VEC4: the number of floats is a multiple of 4.
// Dispatch: `workgroups` = ceil(count / (64 * RUN)); a thread takes RUN elements, 64 apart.
#import grid
#import real
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
@group(0) @binding(3) var<storage, read> truth: array<Real>;
@group(0) @binding(4) var<storage, read_write> gradPrediction: array<Real>;
#ifdef SCALED
@group(0) @binding(5) var<storage, read> scaling: Scaling;
#endif
#else
@group(0) @binding(2) var<storage, read> x: array<Real>;
#endif

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = linear_workgroup(wid, num);
  if (group >= params.workgroups) {
    return;
  }
  let first = group * (64u * RUN) + lane;
  var squares = Real(0.0);
  for (var i = first; i < min(first + 64u * RUN, params.count); i += 64u) {
#ifdef ERROR
    let d = prediction[i] - truth[i];
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
#ifdef VEC4
  partials[group * 64u + lane] = (squares.x + squares.y) + (squares.z + squares.w);
#else
  partials[group * 64u + lane] = squares;
#endif
}
