// The sticky flag for results that are not finite. If loss or gradient norm is infinite or NaN, and flags[0] is 0:
//   flags[0] = step + 1 (the number of the failing update, from 1),
//   flags[1] = 1 if it is the loss, flags[2] = 1 if it is the norm.
// Never cleared here: updates stay off until the host has looked.
//
// A pass of its own that reads the floats as bits: compilers may take computed floats to be finite, and drop the test.
//
// loss, norm  f32[1], read as u32
// flags       u32[4]
// Dispatch: one workgroup of one thread.
#import step

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> loss: array<u32>;
@group(0) @binding(2) var<storage, read> norm: array<u32>;
@group(0) @binding(3) var<storage, read_write> flags: array<u32>;

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(1)
fn main() {
  let bad_loss = (loss[0] & EXPONENT) == EXPONENT;
  let bad_norm = (norm[0] & EXPONENT) == EXPONENT;
  if ((bad_loss || bad_norm) && flags[0] == 0u) {
    flags[0] = step.step + 1u;
    flags[1] = select(0u, 1u, bad_loss);
    flags[2] = select(0u, 1u, bad_norm);
  }
}
