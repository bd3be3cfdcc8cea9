#import moments

// Mean and M2 of `count` elements of x, from `first` on and `step` apart: eight at a time, their mean and M2 in
// registers, then a merge. The shader has `x: array<Stored>`.
fn run_moments(first: u32, step: u32, count: u32) -> Moments {
  var all = Moments(0.0, Real(0.0), Real(0.0));
  var at = first;
  var left = count;
  for (; left >= 8u; left -= 8u) {
#for i in 0..8
    let x_${i} = Real(x[at + ${i}u * step]);
#endfor
    at += 8u * step;
    let mean = (((x_0 + x_1) + (x_2 + x_3)) + ((x_4 + x_5) + (x_6 + x_7))) * 0.125;
    var m2 = Real(0.0);
#for i in 0..8
    let d_${i} = x_${i} - mean;
    m2 += d_${i} * d_${i};
#endfor
    all = merge_moments(all, Moments(8.0, mean, m2));
  }
  for (; left > 0u; left--) {
    all = merge_moments(all, Moments(1.0, Real(x[at]), Real(0.0)));
    at += step;
  }
  return all;
}
