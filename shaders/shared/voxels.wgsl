// Voxels of a cube of `size` per edge, stored in the order (z, y, x).

// (x, y, z) of a voxel index within one cube.
fn voxel_position(index: u32, size: u32) -> vec3<u32> {
  let row = index / size;
  return vec3<u32>(index - row * size, row % size, row / size);
}

fn voxel_index(position: vec3<u32>, size: u32) -> u32 {
  return (position.z * size + position.y) * size + position.x;
}

// What a step adds to the index of a voxel, modulo 2^32.
fn grid_stride(step: vec3<i32>, size: u32) -> u32 {
  return u32((step.z * i32(size) + step.y) * i32(size) + step.x);
}

// Coordinates from the centre (size - 1) / 2 in half voxels, which keeps them whole for even sizes too; and back.
fn half_steps(position: vec3<u32>, size: u32) -> vec3<i32> {
  return 2 * vec3<i32>(position) - vec3<i32>(i32(size) - 1);
}

fn from_half_steps(steps: vec3<i32>, size: u32) -> vec3<u32> {
  return vec3<u32>(steps + vec3<i32>(i32(size) - 1)) / vec3<u32>(2u);
}
