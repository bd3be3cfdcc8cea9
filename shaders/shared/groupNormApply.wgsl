#import groupNormRun
#import sigmoid

// Writes what group norm makes of a run, y = (x - mean) * factor + shift or SiLU of that. The shader has `x` and `y`,
// arrays of Stored.
fn apply_to_run(run: Run, mean: Real, factor: Real, shift: Real) {
  for (var i = 0u; i < run.count; i++) {
    let at = run.start + i * params.columns;
    let z = (Real(x[at]) - mean) * factor + shift;
#ifdef SILU
    y[at] = Stored(silu(z));
#else
    y[at] = Stored(z);
#endif
  }
}
