// An activation and its derivative, by constant:
//
//   SILU     x / (1 + exp(-x))
//   GELU     x times the standard normal distribution function of x
//   SIGMOID  1 / (1 + exp(-x))
//   none     x
#import nan
#import normal
#import real
#import sigmoid

#ifdef VEC4
fn is_nan_real(x: Real) -> vec4<bool> {
  return vec4<bool>(is_nan(x.x), is_nan(x.y), is_nan(x.z), is_nan(x.w));
}
#else
fn is_nan_real(x: Real) -> bool {
  return is_nan(x);
}
#endif

fn activated(x: Real) -> Real {
#if defined(SILU)
  return silu(x);
#elif defined(GELU)
  return x * normal_cdf(x);
#elif defined(SIGMOID)
  return select(sigmoid(x), x, is_nan_real(x));
#else
  return x;
#endif
}

fn activated_slope(x: Real) -> Real {
#if defined(SILU)
  return silu_slope(x);
#elif defined(GELU)
  return normal_cdf(x) + x * normal_pdf(x);
#elif defined(SIGMOID)
  let s = activated(x);
  return s * (Real(1.0) - s);
#else
  return Real(1.0);
#endif
}
