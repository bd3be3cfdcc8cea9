// Interpolation kernels and the map from output to input positions, shared by the resampling and its adjoint so that
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

// Where the content of the output voxel comes from: R^-1 p, in voxels from the corner of the input grid.
fn source_position(rows: RotationRows, voxel: vec3<u32>, size: u32) -> vec3<f32> {
  let centre = 0.5 * f32(size - 1u);
  let p = vec3<f32>(voxel) - centre;
  return rows.x * p.x + rows.y * p.y + rows.z * p.z + centre;
}
