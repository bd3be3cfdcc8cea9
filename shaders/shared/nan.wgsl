// exp and log that pass NaN on: WGSL leaves theirs open, and SwiftShader's are infinity and 89. NaN is told by its
// bits, because compilers may take floats to be numbers and drop x != x.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn exp_or_nan(x: f32) -> f32 {
  return select(exp(x), x, is_nan(x));
}

fn log_or_nan(x: f32) -> f32 {
  return select(log(x), x, is_nan(x));
}
