// The 24 rotations that permute and flip the axes, numbered as in src/equivariance/octahedral.ts: g = 4p + 2b + a.
// p < 3 is the cyclic permutation column(i) = (i + p) mod 3, p >= 3 the odd one column(i) = (p - i) mod 3; bits a and b
// flip rows x and y, and the sign of row z makes the determinant +1. Element 0 is the identity.
struct OctahedralRows {
  x: vec3<i32>,
  y: vec3<i32>,
  z: vec3<i32>,
}

fn octahedral_row(column: u32, sign: i32) -> vec3<i32> {
  return select(vec3<i32>(0), vec3<i32>(sign), vec3<u32>(0u, 1u, 2u) == vec3<u32>(column));
}

fn octahedral_rows(g: u32) -> OctahedralRows {
  let p = g >> 2u;
  let odd = p >= 3u;
  let i = vec3<u32>(0u, 1u, 2u);
  let sum = select(i + vec3<u32>(p), vec3<u32>(p) - i, vec3<bool>(odd));
  let column = select(sum, sum - vec3<u32>(3u), sum >= vec3<u32>(3u));
  let sign_x = select(1, -1, (g & 1u) == 1u);
  let sign_y = select(1, -1, (g & 2u) == 2u);
  let sign_z = sign_x * sign_y * select(1, -1, odd);
  return OctahedralRows(
    octahedral_row(column.x, sign_x),
    octahedral_row(column.y, sign_y),
    octahedral_row(column.z, sign_z),
  );
}

// R v
fn octahedral_apply(rows: OctahedralRows, v: vec3<i32>) -> vec3<i32> {
  return vec3<i32>(dot(rows.x, v), dot(rows.y, v), dot(rows.z, v));
}

// R^-1 v, the transpose
fn octahedral_apply_inverse(rows: OctahedralRows, v: vec3<i32>) -> vec3<i32> {
  return rows.x * v.x + rows.y * v.y + rows.z * v.z;
}
