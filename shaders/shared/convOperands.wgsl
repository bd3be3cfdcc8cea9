// The operands of convolutions that go channel by channel (conv3d.wgsl, convTranspose3d.wgsl, conv3dPolyphase.wgsl,
// conv3dRows.wgsl). The shader has `struct Params` with hasBias and hasAddend.
//
// Bindings: x [N, D, H, W, Ci], weight, y [N, Do, Ho, Wo, Co]; bias [Co] and addend (as y) are read only where
// hasBias, hasAddend are 1.
// Constants: X_F16, Y_F16: x, addend and y are stored in half precision.
//
// Results are stored through an array and a loop of unknown length (a known one is unrolled), so that a shader has few
// stores: each takes long to compile. The array's inner index is a constant, so that the compiler splits the array.
// Stores without an addend have a loop of their own, as a branch that is not taken costs its loads.
#import convInput

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> addend: array<StoredY>;
@group(0) @binding(5) var<storage, read_write> y: array<StoredY>;

fn load_bias(co: i32) -> f32 {
  return select(0.0, bias[u32(co)], params.hasBias != 0);
}

// Stores a result; store_1 with the addend.
fn store_0(at: i32, value: f32) {
  y[u32(at)] = StoredY(value);
}

fn store_1(at: i32, value: f32) {
  y[u32(at)] = StoredY(value + f32(addend[u32(at)]));
}
