// How far atoms are apart. Squares are added in a fixed order, so that both ends of a pair find the same number.
// Distances are compared as bits: numbers that are not negative lie in the order of their bits, and NaN above all.

// Bits of the square above which two atoms are neighbours, 1e-4: none is its own.
const APART = bitcast<u32>(1e-4f);

fn squared(a: vec4<f32>, b: vec4<f32>) -> f32 {
  let d = a - b;
  return d.x * d.x + d.y * d.y + d.z * d.z;
}

// Whether the bits of a square are those of a neighbour's, up to `limit`.
fn is_within(bits: u32, limit: u32) -> bool {
  return bits - APART - 1u < limit - APART;
}
