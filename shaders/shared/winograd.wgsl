// Winograd's F(4, 3) along an axis (arXiv 1509.09308): four outputs of a filter of three taps, from six inputs, in six
// multiply-adds for twelve. With the points 0, 1, -1, infinity, 2 and -2,
//
//   y = A^T (G' w * B^T x),   and the filter's gradient is   G'^T (A gradY * B^T x):
//
//   B^T = 4  0 -5  0  1  0     G' = 1  0  0     A^T = 1/4 -1/6 -1/6 0 1/24  1/24
//         0 -4 -4  1  1  0          1  1  1             0 -1/6  1/6 0 1/12 -1/12
//         0  4 -4 -1  1  0          1 -1  1             0 -1/6 -1/6 0  1/6   1/6
//         0  4  0 -5  0  1          0  0  1             0 -1/6  1/6 1  1/3  -1/3
//         0 -2 -1  2  1  0          1  2  4
//         0  2 -1 -2  1  0          1 -2  4
//
// G' is the paper's G, its rows scaled to whole numbers, and A^T has the scales.

// B^T x.
fn input_points(x: array<f32, 6>) -> array<f32, 6> {
  let p = x[4] - 4.0 * x[2];
  let q = x[3] - 4.0 * x[1];
  let r = x[4] - x[2];
  let s = 2.0 * (x[3] - x[1]);
  return array<f32, 6>(4.0 * (x[0] - x[2]) + r, p + q, p - q, 4.0 * x[1] - 5.0 * x[3] + x[5], r + s, r - s);
}

// G' w.
fn weight_points(w: array<f32, 3>) -> array<f32, 6> {
  let even1 = w[0] + w[2];
  let even2 = w[0] + 4.0 * w[2];
  let odd2 = 2.0 * w[1];
  return array<f32, 6>(w[0], even1 + w[1], even1 - w[1], w[2], even2 + odd2, even2 - odd2);
}

// The four outputs of sums over products of such points, A^T s.
fn four_outputs(s: array<f32, 6>) -> array<f32, 4> {
  let m0 = 0.25 * s[0];
  let m12 = (s[1] + s[2]) / -6.0;
  let d12 = (s[1] - s[2]) / -6.0;
  let m34 = (s[4] + s[5]) / 24.0;
  let d34 = (s[4] - s[5]) / 12.0;
  return array<f32, 4>(m0 + m12 + m34, d12 + d34, m12 + 4.0 * m34, d12 + 4.0 * d34 + s[3]);
}

// A g without its scales, of four gradients of outputs.
fn gradient_points(g: array<f32, 4>) -> array<f32, 6> {
  let even1 = g[0] + g[2];
  let odd1 = g[1] + g[3];
  let even2 = g[0] + 4.0 * g[2];
  let odd2 = 2.0 * (g[1] + 4.0 * g[3]);
  return array<f32, 6>(g[0], even1 + odd1, even1 - odd1, g[3], even2 + odd2, even2 - odd2);
}

// The three taps of sums over products of those and inputs' points, G'^T s with A's scales.
fn taps(s: array<f32, 6>) -> array<f32, 3> {
  let even1 = (s[1] + s[2]) * (-1.0 / 6.0);
  let odd1 = (s[1] - s[2]) * (-1.0 / 6.0);
  let even2 = (s[4] + s[5]) * (1.0 / 24.0);
  let odd2 = (s[4] - s[5]) * (1.0 / 12.0);
  return array<f32, 3>(0.25 * s[0] + even1 + even2, odd1 + odd2, even1 + 4.0 * even2 + s[3]);
}
