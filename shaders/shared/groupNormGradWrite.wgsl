#import groupNormTerms

// Writes the gradient of a run's input,
//
//   gradX = rstd * (gamma * u - a - n * b) [+ addend],
// (a, b) what the shader's group_mean(sample, group) gives: the means of gamma * u and of gamma * u * n over a group.
// The shader has `gradX` and with ADDEND `addend`, arrays of Stored.
fn write_gradient(run: Run, stats: ChannelStats, affine: Affine, gamma: Real) {
#ifdef VEC4
#for i in 0..4
  let m_${i} = group_mean(run.sample, group_of(run.column, ${i}u));
#endfor
  let a = stats.rstd * vec4<f32>(m_0.x, m_1.x, m_2.x, m_3.x);
  let b = stats.rstd * vec4<f32>(m_0.y, m_1.y, m_2.y, m_3.y);
#else
  let m = group_mean(run.sample, group_of(run.column, 0u));
  let a = stats.rstd * m.x;
  let b = stats.rstd * m.y;
#endif
  let slope = stats.rstd * gamma;
  for (var i = 0u; i < run.count; i++) {
    let at = run.start + i * params.columns;
    let n = normalised(at, stats);
    let u = inner_gradient(at, n, affine);
    var g = slope * u - a - n * b;
#ifdef ADDEND
    g += Real(addend[at]);
#endif
    gradX[at] = Stored(g);
  }
}
