// Winograd's F(4, 3) along an axis (arXiv 1509.09308): four outputs of a filter of three taps, from six inputs, in six
// multiply-adds for twelve. With the points 0, a, -a, infinity, b and -b, a = sqrt(1/2), b = sqrt(2),
//
//   y = A^T (G' w * B^T x),   and the filter's gradient is   G'^T (A gradY * B^T x):
//
//   B^T = 1  0 -5/2 0  1  0     G' = 1  0  0     A^T = 1 -2/3  -2/3  0 1/6   1/6
//         0 -b -2   a  1  0          1  a 1/2          0 -2a/3  2a/3 0 b/6  -b/6
//         0  b -2  -a  1  0          1 -a 1/2          0 -1/3  -1/3  0 1/3   1/3
//         0  1  0 -5/2 0  1          0  0  1           0 -a/3   a/3  1 b/3  -b/3
//         0 -a -1/2 b  1  0          1  b  2
//         0  a -1/2 -b 1  0          1 -b  2
//
// A^T has the scales of the usual G. Errors are a third to a quarter of those with the paper's points 1 and 2: numbers
// stay of one size, as a b = 1.

const ROOT = 1.41421356;
const HALF_ROOT = 0.70710678;

// B^T x.
fn input_points(x: array<f32, 6>) -> array<f32, 6> {
  let even1 = x[4] - 2.0 * x[2];
  let odd1 = HALF_ROOT * (x[3] - 2.0 * x[1]);
  let even2 = x[4] - 0.5 * x[2];
  let odd2 = ROOT * (x[3] - 0.5 * x[1]);
  return array<f32, 6>(
    x[0] + x[4] - 2.5 * x[2], even1 + odd1, even1 - odd1, x[1] + x[5] - 2.5 * x[3], even2 + odd2, even2 - odd2);
}

// G' w.
fn weight_points(w: array<f32, 3>) -> array<f32, 6> {
  let even1 = w[0] + 0.5 * w[2];
  let odd1 = HALF_ROOT * w[1];
  let even2 = w[0] + 2.0 * w[2];
  let odd2 = ROOT * w[1];
  return array<f32, 6>(w[0], even1 + odd1, even1 - odd1, w[2], even2 + odd2, even2 - odd2);
}

// The four outputs of sums over products of such points, A^T s.
fn four_outputs(s: array<f32, 6>) -> array<f32, 4> {
  let even1 = (s[1] + s[2]) * (-2.0 / 3.0);
  let odd1 = (s[1] - s[2]) * (-2.0 / 3.0 * HALF_ROOT);
  let even2 = (s[4] + s[5]) * (1.0 / 6.0);
  let odd2 = (s[4] - s[5]) * (ROOT / 6.0);
  return array<f32, 4>(s[0] + even1 + even2, odd1 + odd2, 0.5 * even1 + 2.0 * even2, 0.5 * odd1 + 2.0 * odd2 + s[3]);
}

// A g without its scales, of four gradients of outputs.
fn gradient_points(g: array<f32, 4>) -> array<f32, 6> {
  let even1 = g[0] + 0.5 * g[2];
  let odd1 = HALF_ROOT * (g[1] + 0.5 * g[3]);
  let even2 = g[0] + 2.0 * g[2];
  let odd2 = ROOT * (g[1] + 2.0 * g[3]);
  return array<f32, 6>(g[0], even1 + odd1, even1 - odd1, g[3], even2 + odd2, even2 - odd2);
}

// The three taps of sums over products of those and inputs' points, G'^T s with A's scales.
fn taps(s: array<f32, 6>) -> array<f32, 3> {
  let even1 = (s[1] + s[2]) * (-2.0 / 3.0);
  let odd1 = (s[1] - s[2]) * (-2.0 / 3.0 * HALF_ROOT);
  let even2 = (s[4] + s[5]) * (1.0 / 6.0);
  let odd2 = (s[4] - s[5]) * (ROOT / 6.0);
  return array<f32, 3>(s[0] + even1 + even2, odd1 + odd2, 0.5 * even1 + 2.0 * even2 + s[3]);
}
