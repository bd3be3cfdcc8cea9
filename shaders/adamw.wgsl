// AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, in PyTorch's order) and an exponential
// moving average of the weights, in one pass over a flat piece of n elements. With t the number of the update, from 1:
//   g = grad * min(1, clip / (norm + 1e-6))                                       (CLIP only)
//   w = w * (1 - lr * decay)
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   w = w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)            a zero denominator gives a zero step
//   ema = emaDecay * ema + (1 - emaDecay) * w
// Decay and step are subtracted together and the averages moved by their difference: fewer roundings than as written.
//
// While flags[0] is set (gradNormFlag.wgsl) nothing is touched.
// SCALED: gradients are scaled up (scaling.wgsl); they are scaled down here, its bias corrections count, and a step
// that is to be skipped (flags[3]) touches nothing either.
//
// grad, weight, m, v, ema  f32[n]; VEC4: as vec4, up to three last ones are left to a dispatch without
// flags                    u32[4]
// norm                     f32[1], the gradient's norm before clipping (CLIP)
// params                   first, count: elements (vec4 or f32) from first to below count; threads: threads with
//                          work; gain1 = 1 - beta1 and gain2 = 1 - beta2, from the host since 1 - beta2 in f32 would
//                          lose digits; the rest as above
// Constants: VEC4, CLIP, SCALED. Dispatch: threads1d(threads), threads a multiple of WORKGROUP.
#import thread
#import step
#import scaling
#import real

struct Params {
  first: u32,
  count: u32,
  threads: u32,
  gain1: f32,
  gain2: f32,
  eps: f32,
  decay: f32,
  clip: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> flags: array<u32>;
@group(0) @binding(3) var<storage, read> grad: array<Real>;
@group(0) @binding(4) var<storage, read_write> weight: array<Real>;
@group(0) @binding(5) var<storage, read_write> m: array<Real>;
@group(0) @binding(6) var<storage, read_write> v: array<Real>;
@group(0) @binding(7) var<storage, read_write> ema: array<Real>;
#ifdef CLIP
@group(0) @binding(8) var<storage, read> norm: array<f32>;
#endif
#ifdef SCALED
@group(0) @binding(9) var<storage, read> scaling: Scaling;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  if (thread >= params.threads || flags[0] != 0u) {
    return;
  }
#ifdef CLIP
  let within = min(1.0, params.clip / (norm[0] + 1e-6));
#else
  let within = 1.0;
#endif
#ifdef SCALED
  if (flags[3] != 0u) {
    return;
  }
  let scale = within * scaling.unscale;
  let correction1 = scaling.correction1;
  let correction2 = scaling.correction2;
#else
  let scale = within;
  let correction1 = step.correction1;
  let correction2 = step.correction2;
#endif
  let rate = step.lr / correction1;
  let decay = step.lr * params.decay;
  let ema_gain = 1.0 - step.emaDecay;

  for (var i = params.first + thread; i < params.count; i += params.threads) {
    let g = grad[i] * scale;
    let w_old = weight[i];
    let m_old = m[i];
    let v_old = v[i];
    let ema_old = ema[i];

    let m_new = fma(Real(params.gain1), g - m_old, m_old);
    let v_new = fma(Real(params.gain2), g * g - v_old, v_old);
    let denominator = sqrt(v_new / correction2) + params.eps;
    let zero = denominator == Real();
    let update = select(m_new / select(denominator, Real(1.0), zero), Real(), zero);
    let w_new = w_old - fma(Real(rate), update, decay * w_old);

    weight[i] = w_new;
    m[i] = m_new;
    v[i] = v_new;
    ema[i] = fma(Real(ema_gain), w_new - ema_old, ema_old);
  }
}
