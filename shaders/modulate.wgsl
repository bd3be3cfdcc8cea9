// Rows times and plus vectors that many of them share:
//
//   y[n, t] = mask[n, t] (residual[n, t] + x[n, t] sigmoid(scale[g]) + shift[g])
//
// where g is the sample, and the row behind those of all samples for the first `registers` tokens. With GRAD
//
//   gradX[n, t] = mask[n, t] gradY[n, t] sigmoid(scale[g]),   gradResidual[n, t] = mask[n, t] gradY[n, t]
//
// Bindings: x, y, gradY, gradX, with RESIDUAL residual and gradResidual [samples, tokens, columns]; scale (SCALED),
// shift (SHIFTED) [samples + 1, columns]; columns in Reals; mask (MASKED) f32 [samples, tokens], or with PAIRS
// [samples, side], of which a token t is the pair of t / side and t % side: its factor is the product of theirs.
// Constants: SIGMOID (shared/activated.wgsl); GRAD, RESIDUAL, SCALED, SHIFTED, MASKED, PAIRS; VEC4: the columns are a
// multiple of 4; F16: all but the mask is stored in half precision.
// Dispatch: threads1d(samples tokens columns).
#import activated
#import storage
#import thread
#import tokenMask

struct Params { samples: u32, tokens: u32, columns: u32, registers: u32, side: u32 }

@group(0) @binding(0) var<uniform> params: Params;
#ifdef SCALED
@group(0) @binding(1) var<storage, read> scale: array<Stored>;
#endif
#ifdef MASKED
@group(0) @binding(2) var<storage, read> mask: array<f32>;
#endif
#ifdef GRAD
@group(0) @binding(3) var<storage, read> gradY: array<Stored>;
@group(0) @binding(4) var<storage, read_write> gradX: array<Stored>;
#ifdef RESIDUAL
@group(0) @binding(5) var<storage, read_write> gradResidual: array<Stored>;
#endif
#else
@group(0) @binding(3) var<storage, read> x: array<Stored>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
#ifdef RESIDUAL
@group(0) @binding(5) var<storage, read> residual: array<Stored>;
#endif
#ifdef SHIFTED
@group(0) @binding(6) var<storage, read> shift: array<Stored>;
#endif
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let row = at / params.columns;
  if (row >= params.samples * params.tokens) {
    return;
  }
  let sample = row / params.tokens;
  let vector = select(sample, params.samples, row - sample * params.tokens < params.registers);
  let of_vector = vector * params.columns + (at - row * params.columns);
#ifdef GRAD
  var value = Real(gradY[at]) * mask_factor(row);
#ifdef RESIDUAL
  gradResidual[at] = Stored(value);
#endif
#ifdef SCALED
  value *= activated(Real(scale[of_vector]));
#endif
  gradX[at] = Stored(value);
#else
  var value = Real(x[at]);
#ifdef SCALED
  value *= activated(Real(scale[of_vector]));
#endif
#ifdef SHIFTED
  value += Real(shift[of_vector]);
#endif
#ifdef RESIDUAL
  value += Real(residual[at]);
#endif
  y[at] = Stored(value * mask_factor(row));
#endif
}
