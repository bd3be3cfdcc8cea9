// How far atoms are apart, with PERIODIC from the nearest image of the other: d = a - b less whole multiples of the
// cell's vectors, so many as its fractional coordinates along them are when rounded. This is the nearest one as far as
// half of the cell's least perpendicular width. A cell of zeros repeats nothing.
//
// Squares are added in a fixed order and all else is odd in d, so that both ends of a pair find the same number.
// Distances are compared as bits: numbers that are not negative lie in the order of their bits, and NaN above all.
//
// Bindings with PERIODIC: lattices [structures] of the vectors a, b and c, one after the other; `use_lattice` comes
// first.

// Bits of the square above which two atoms are neighbours, 1e-4: none is its own.
const APART = bitcast<u32>(1e-4f);

#ifdef PERIODIC
@group(0) @binding(9) var<storage, read> lattices: array<f32>;

var<private> lattice: mat3x3<f32>;
// What fractional coordinates are the products with, zeros without a cell.
var<private> reciprocal: mat3x3<f32>;
// Whether there is a cell.
var<private> repeats: bool;

fn use_lattice(structure: u32) {
  let at = 9u * structure;
  let a = vec3<f32>(lattices[at], lattices[at + 1u], lattices[at + 2u]);
  let b = vec3<f32>(lattices[at + 3u], lattices[at + 4u], lattices[at + 5u]);
  let c = vec3<f32>(lattices[at + 6u], lattices[at + 7u], lattices[at + 8u]);
  let volume = dot(a, cross(b, c));
  repeats = volume != 0.0;
  let share = select(0.0, 1.0 / volume, repeats);
  lattice = mat3x3<f32>(a, b, c);
  reciprocal = share * mat3x3<f32>(cross(b, c), cross(c, a), cross(a, b));
}
#endif

#ifdef PERIODIC
// Distances between opposite faces of the cell.
fn widths() -> vec3<f32> {
  return 1.0 / vec3<f32>(length(reciprocal[0]), length(reciprocal[1]), length(reciprocal[2]));
}
#endif

fn away(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
#ifdef PERIODIC
  let d = a - b;
  return d - lattice * round(d * reciprocal);
#else
  return a - b;
#endif
}

fn squared(a: vec4<f32>, b: vec4<f32>) -> f32 {
  let d = away(a.xyz, b.xyz);
  return d.x * d.x + d.y * d.y + d.z * d.z;
}

// Whether the bits of a square are those of a neighbour's, up to `limit`.
fn is_within(bits: u32, limit: u32) -> bool {
  return bits - APART - 1u < limit - APART;
}
