// The operands of weight gradients that go channel by channel (conv3dGradWeight.wgsl, conv3dGradWeightRows.wgsl).
//
// Bindings: x [N, D, H, W, Ci], gradY [N, Do, Ho, Wo, Co], partial [splits, KERNEL^3 Ci Co].
// Constants: X_F16, Y_F16: x, gradY are stored in half precision.
#import convInput

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

// An element that may lie outside the grid, where it is 0.
fn load_gradient(at: i32, inside: bool) -> f32 {
  return select(0.0, f32(gradY[u32(at)]), inside);
}
