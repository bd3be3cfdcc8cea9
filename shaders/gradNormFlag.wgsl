// The sticky flag for results that are not finite. If loss or gradient norm is infinite or NaN, and flags[0] is 0:
//   flags[0] = step + 1 (the number of the failing update, from 1),
//   flags[1] = 1 if it is the loss, flags[2] = 1 if it is the norm.
// Never cleared here: updates stay off until the host has looked.
//
// SCALED: gradients are scaled up (scaling.wgsl). A norm that is not finite then means that the scale is too large, as
// long as it is above 1: the step is skipped (flags[3] = 1, else 0), the scale halved. After `growth` good steps in a
// row it is doubled. The optimiser's bias corrections are kept here, since the host does not know which steps count.
//
// A pass of its own that reads the floats as bits: compilers may take computed floats to be finite, and drop the test.
//
// loss, norm  f32[1], read as u32
// flags       u32[4]
// scaling     read and written; growth, largest, gain1 = 1 - beta1 and gain2 = 1 - beta2 from params (SCALED)
// Dispatch: one workgroup of one thread, which WORKGROUP is.
#import step
#import scaling

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> loss: array<u32>;
@group(0) @binding(2) var<storage, read> norm: array<u32>;
@group(0) @binding(3) var<storage, read_write> flags: array<u32>;

#ifdef SCALED
struct Params {
  gain1: f32,   // 1 - beta1
  gain2: f32,
  growth: f32,  // steps
  largest: f32, // scale
}
@group(0) @binding(4) var<storage, read_write> scaling: Scaling;
@group(0) @binding(5) var<uniform> params: Params;

fn overflowed() {
  flags[3] = 1u;
  scaling.scale *= 0.5;
  scaling.good = 0.0;
  scaling.skipped += 1.0;
}

fn accepted() {
  flags[3] = 0u;
  scaling.unscale = 1.0 / scaling.scale;
  // 1 - beta^t = (1 - beta^(t-1)) + (1 - beta) beta^(t-1), without the cancellation of 1 - beta^t.
  scaling.correction1 += params.gain1 * (1.0 - scaling.correction1);
  scaling.correction2 += params.gain2 * (1.0 - scaling.correction2);
  scaling.good += 1.0;
  if (scaling.good >= params.growth) {
    scaling.good = 0.0;
    scaling.scale = min(2.0 * scaling.scale, params.largest);
  }
}
#endif

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(WORKGROUP)
fn main() {
  let bad_loss = (loss[0] & EXPONENT) == EXPONENT;
  let bad_norm = (norm[0] & EXPONENT) == EXPONENT;
#ifdef SCALED
  if (flags[0] == 0u && !bad_loss && !bad_norm) {
    accepted();
    return;
  }
  if (flags[0] == 0u && !bad_loss && scaling.scale > 1.0) {
    overflowed();
    return;
  }
#endif
  if ((bad_loss || bad_norm) && flags[0] == 0u) {
    flags[0] = step.step + 1u;
    flags[1] = select(0u, 1u, bad_loss);
    flags[2] = select(0u, 1u, bad_norm);
  }
}
