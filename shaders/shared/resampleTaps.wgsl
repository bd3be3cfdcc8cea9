#import voxels

// Interpolation kernels and the map from output to input positions, shared by the resampling and its gradient so that
// both use the same weights. TAPS = 2 is trilinear, TAPS = 4 Catmull-Rom (Keys' cubic convolution, a = -1/2).

fn tap_weight(t: f32) -> f32 {
  let d = abs(t);
#ifdef CATMULL_ROM
  let near = (1.5 * d - 2.5) * d * d + 1.0;
  let far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0;
  return select(select(0.0, far, d < 2.0), near, d < 1.0);
#else
  return max(0.0, 1.0 - d);
#endif
}

// Rows of the rotation R of sample n.
struct RotationRows {
  x: vec3<f32>,
  y: vec3<f32>,
  z: vec3<f32>,
}

// The shader has `rotations`, [N, 9].
fn rotation_rows(n: i32) -> RotationRows {
  let r = n * 9;
  return RotationRows(
    vec3<f32>(rotations[r], rotations[r + 1], rotations[r + 2]),
    vec3<f32>(rotations[r + 3], rotations[r + 4], rotations[r + 5]),
    vec3<f32>(rotations[r + 6], rotations[r + 7], rotations[r + 8]),
  );
}

// (x, y, z) of a voxel index within one cube of `size` voxels an edge.
fn grid_position(index: i32, size: i32) -> vec3<i32> {
  return vec3<i32>(voxel_position(u32(index), u32(size)));
}

// Where the content of the output voxel comes from: R^-1 p, in voxels from the corner of the input grid.
fn source_position(rows: RotationRows, voxel: vec3<i32>, size: i32) -> vec3<f32> {
  let centre = 0.5 * f32(size - 1);
  let p = vec3<f32>(voxel) - centre;
  return rows.x * p.x + rows.y * p.y + rows.z * p.z + centre;
}
