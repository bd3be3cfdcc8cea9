#import sigmoid

// The terms of group norm's gradient at an element, whose channels have mean, rstd, gamma and beta:
//
//   n = (x - mean) * rstd,  u = gradY (without SILU) or gradY * silu'(gamma * n + beta) (with it).
// The shader has `x` and `gradY`, arrays of Stored.
fn normalised(at: u32, mean: Real, rstd: Real) -> Real {
  return (Real(x[at]) - mean) * rstd;
}

fn inner_gradient(at: u32, n: Real, gamma: Real, beta: Real) -> Real {
#ifdef SILU
  return Real(gradY[at]) * silu_slope(n * gamma + beta);
#else
  return Real(gradY[at]);
#endif
}
