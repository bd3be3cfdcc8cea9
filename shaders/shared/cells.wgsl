// Cells over the box of a structure's atoms, cubes of one edge, and with PERIODIC over its cell, where it has one: then
// parallelepipeds, which wrap around. A cell's number grows along x (or the first of the vectors) first, then along y
// and z.
#import separation

struct Grid {
  low: vec3<f32>,
  // Along each axis, between opposite faces.
  edges: vec3<f32>,
  size: vec3<u32>,
  per_edge: f32,
}

// Of a structure whose grid is stored as (low, edge), (size, 1 / edge). With PERIODIC `use_lattice` comes first.
fn grid_of(first: vec4<f32>, second: vec4<f32>) -> Grid {
  var edges = vec3<f32>(first.w);
#ifdef PERIODIC
  if (repeats) {
    edges = widths() / second.xyz;
  }
#endif
  return Grid(first.xyz, edges, vec3<u32>(second.xyz), second.w);
}

// Where a point is, in cells from the low corner.
fn place_of(grid: Grid, position: vec3<f32>) -> vec3<f32> {
#ifdef PERIODIC
  if (repeats) {
    let along = position * reciprocal;
    return (along - floor(along)) * vec3<f32>(grid.size);
  }
#endif
  return (position - grid.low) * grid.per_edge;
}

// The cell of a place, the nearest one where it is outside.
fn cell_of(grid: Grid, place: vec3<f32>) -> vec3<u32> {
  return min(vec3<u32>(max(place, vec3<f32>())), grid.size - 1u);
}

fn cell_number(grid: Grid, cell: vec3<u32>) -> u32 {
  return (cell.z * grid.size.y + cell.y) * grid.size.x + cell.x;
}
