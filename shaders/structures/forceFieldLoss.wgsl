// The loss of a force field on a padded batch, and its gradients, in two passes with one text:
//
//   ENERGIES  scale sum over b of |x[b] - targets[b]|                                   x, targets [B]
//   FORCES    scale / atomCount sum over atoms of |x[b, i] - targets[b, i]|_2           x, targets [B, n, 3]
//
// The gradient of a norm is 0 where it is 0. Places beyond a structure's atoms count for nothing.
//
// Bindings: gradX as x; partials: what each structure or place adds to the loss; both are written. FORCES: counts [B],
// atoms of each structure; atomCount [1], as f32: atoms of the whole batch, of which this may be a part.
// Constants: ENERGIES or FORCES; SCALED: gradients are multiplied by the scale of scaling.wgsl.
// One thread a partial sum, `terms` of them. Dispatch: threads1d(terms).
#import thread
#import scaling

struct Params { terms: u32, atoms: u32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradX: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
#ifdef FORCES
@group(0) @binding(5) var<storage, read> counts: array<u32>;
@group(0) @binding(6) var<storage, read> atomCount: array<f32>;
#endif
#ifdef SCALED
@group(0) @binding(7) var<storage, read> scaling: Scaling;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  if (at >= params.terms) {
    return;
  }
#ifdef SCALED
  let gradient_scale = scaling.scale;
#else
  let gradient_scale = 1.0;
#endif
#ifdef FORCES
  let scale = params.scale / atomCount[0];
  var error = vec3<f32>();
  if (at % params.atoms < counts[at / params.atoms]) {
    error = vec3<f32>(x[3u * at], x[3u * at + 1u], x[3u * at + 2u])
      - vec3<f32>(targets[3u * at], targets[3u * at + 1u], targets[3u * at + 2u]);
  }
  let norm = sqrt(dot(error, error));
  // A NaN passes on: it is not equal to 0.
  let gradient = select(error / norm, vec3<f32>(), norm == 0.0) * (scale * gradient_scale);
#for a in 0..3
  gradX[3u * at + ${a}u] = gradient[${a}];
#endfor
  partials[at] = scale * norm;
#else
  let error = x[at] - targets[at];
  gradX[at] = select(error / abs(error), 0.0, error == 0.0) * (params.scale * gradient_scale);
  partials[at] = params.scale * abs(error);
#endif
}
