// How the outputs of conv3d.wgsl and of convTranspose3d.wgsl are shared out.
//
// One invocation computes TILE_X by TILE_Y outputs of a plane for TILE_C channels: an input element, once loaded,
// serves all taps of the plane that touch it. The invocations of a workgroup lie next to one another along x, then y,
// then the rows n depth + z (lanesX, lanesY: powers of two whose product divides WORKGROUP). With LANES, a subgroup
// loads each weight once, lane l the one of channel l, and spreads it; sizes of a subgroup of at least LANES do.
//
// Constants: TILE_X, TILE_Y, TILE_C, WORKGROUP; LANES where subgroups are used (it divides TILE_C).
// Host: out-of-range positions and channels are computed from whatever a clamped access gives, and not stored.
// Dispatch: workgroups1d(phases * tilesX * tilesY * tilesZ * blocksC), blocksC = ceil(Co / TILE_C).
#ifdef LANES
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif

// What an invocation computes: its first channel, the phase of a transposed convolution, its first column and line,
// and its row. `tile_z` counts the workgroups along rows.
struct Lane {
  co: i32,
  phase: i32,
  x: i32, y: i32, row: i32,
  tile_z: i32,
}

// The work of an invocation; where tile_z is not below params.tilesZ there is none.
fn lane_of(workgroup: i32, local: i32, phases: i32) -> Lane {
  let tile = workgroup / (params.blocksC * phases);
  let tile_x = tile % params.tilesX;
  let tile_y = tile / params.tilesX % params.tilesY;
  let tile_z = tile / (params.tilesX * params.tilesY);
  let lanes_xy = params.lanesX * params.lanesY;
  return Lane(
    workgroup % params.blocksC * TILE_C,
    workgroup / params.blocksC % phases,
    (tile_x * params.lanesX + local % params.lanesX) * TILE_X,
    (tile_y * params.lanesY + local / params.lanesX % params.lanesY) * TILE_Y,
    tile_z * (WORKGROUP / lanes_xy) + local / lanes_xy,
    tile_z,
  );
}
