// Tiles of 4 x 4 x 4 voxels: tile t is (n, z, y, x) of [N, tilesZ, tilesY, tilesX], fields of the shader's Params with
// the grid's depth.
struct Tile {
  // Planes of all samples before this one's.
  plane: i32,
  // Its first voxel.
  z: i32, y: i32, x: i32,
}

fn tile_at(index: i32) -> Tile {
  let row = index / params.tilesX;
  let plane = row / params.tilesY;
  return Tile(
    plane / params.tilesZ * params.depth,
    4 * (plane % params.tilesZ), 4 * (row % params.tilesY), 4 * (index % params.tilesX));
}
