#import real

// Count, mean and sum of squared deviations from the mean of a set of numbers.
struct Moments {
  count: f32,
  mean: Real,
  m2: Real,
}

// The moments of two disjoint sets together (Chan, Golub and LeVeque 1979). Unlike E[x^2] - m^2 nothing cancels when
// the mean is large against the deviation. `b` must not be empty.
fn merge_moments(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  let share = b.count / count;
  let delta = b.mean - a.mean;
  return Moments(count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * (a.count * share));
}
