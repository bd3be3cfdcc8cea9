#import groupNormStats
#import sigmoid

// The terms of group norm's gradient at an element:
//
//   n = (x - mean) * rstd,  u = gradY (without SILU) or gradY * silu'(gamma * n + beta) (with it).
// The shader has `x` and `gradY`, arrays of Stored, and with SILU `gamma` and `beta`, [columns].
fn normalised(at: u32, stats: ChannelStats) -> Real {
  return (Real(x[at]) - stats.mean) * stats.rstd;
}

// What SiLU's slope needs of a column.
struct Affine {
  gamma: Real,
  beta: Real,
}

fn affine_of(column: u32) -> Affine {
#ifdef SILU
  return Affine(gamma[column], beta[column]);
#else
  return Affine();
#endif
}

fn inner_gradient(at: u32, n: Real, affine: Affine) -> Real {
#ifdef SILU
  return Real(gradY[at]) * silu_slope(n * affine.gamma + affine.beta);
#else
  return Real(gradY[at]);
#endif
}

struct GradientSums {
  u: Real,
  un: Real,
}

// Sums of u and u * n over a run.
fn gradient_sums(run: Run, stats: ChannelStats, affine: Affine) -> GradientSums {
  var sums = GradientSums();
  for (var i = 0u; i < run.count; i++) {
    let at = run.start + i * params.columns;
    let n = normalised(at, stats);
    let u = inner_gradient(at, n, affine);
    sums.u += u;
    sums.un += u * n;
  }
  return sums;
}
