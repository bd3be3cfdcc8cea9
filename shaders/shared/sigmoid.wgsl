#import real

// 1 / (1 + exp(-x)). The argument is bounded because WGSL leaves the result of an overflowing exp open; below -80 the
// sigmoid stays at 2e-35 instead of going on to 0. Of NaN it may be a number; silu and its slope have x as a factor.
fn sigmoid(x: Real) -> Real {
  return Real(1.0) / (Real(1.0) + exp(-max(x, Real(-80.0))));
}

// x * sigmoid(x).
fn silu(x: Real) -> Real {
  return x * sigmoid(x);
}

// The derivative of silu.
fn silu_slope(x: Real) -> Real {
  let s = sigmoid(x);
  return s * (Real(1.0) + x * (Real(1.0) - s));
}
