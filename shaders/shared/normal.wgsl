#import real

// The complementary error function of z >= 0, to 1.2e-7 of its value: a Chebyshev fit (Press, Teukolsky, Vetterling and
// Flannery, Numerical Recipes, section 6.2).
fn erfc(z: Real) -> Real {
  let t = Real(1.0) / (Real(1.0) + 0.5 * z);
  var fit = Real(0.17087277);
  fit = fit * t - 0.82215223;
  fit = fit * t + 1.48851587;
  fit = fit * t - 1.13520398;
  fit = fit * t + 0.27886807;
  fit = fit * t - 0.18628806;
  fit = fit * t + 0.09678418;
  fit = fit * t + 0.37409196;
  fit = fit * t + 1.00002368;
  fit = fit * t - 1.26551223;
  return t * exp(fit - z * z);
}

// Beyond it the distribution function is 0 or 1 and the density 0, before exponentials underflow, whose result WGSL
// leaves open.
const FAR = 13.0;

// The standard normal distribution function, exact for its value on both sides. Of NaN it may be a number.
fn normal_cdf(x: Real) -> Real {
  let size = abs(x);
  let tail = select(0.5 * erfc(0.70710678 * min(size, Real(FAR))), Real(), size > Real(FAR));
  return select(tail, Real(1.0) - tail, x > Real());
}

// Its density.
fn normal_pdf(x: Real) -> Real {
  let size = abs(x);
  let bounded = min(size, Real(FAR));
  return select(0.39894228 * exp(-0.5 * bounded * bounded), Real(), size > Real(FAR));
}
