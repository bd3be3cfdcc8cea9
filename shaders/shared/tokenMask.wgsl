// The mask of modulate.wgsl and of its gradients: a number of each row, or with PAIRS the product of two.

fn mask_factor(row: u32) -> f32 {
#ifdef MASKED
#ifdef PAIRS
  let sample = row / params.tokens;
  let pair = row - sample * params.tokens;
  let first = pair / params.side;
  return mask[sample * params.side + first] * mask[sample * params.side + (pair - first * params.side)];
#else
  return mask[row];
#endif
#else
  return 1.0;
#endif
}
