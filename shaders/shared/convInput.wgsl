// The input x [N, D, H, W, Ci] of a convolution, element by element. X_F16: it is stored in half precision.
#import storagePair

@group(0) @binding(1) var<storage, read> x: array<StoredX>;

// An element that may lie outside the grid, where it is 0.
fn load_x(at: i32, inside: bool) -> f32 {
  return select(0.0, f32(x[u32(at)]), inside);
}
