// The first pass of 3x3x3 convolutions by products of matrices: Winograd's points of tiles of 4 x 4 x 4 outputs, F(4,
// 3) of shared/winograd.wgsl along each axis. These are 216: 64 outputs take 216 multiply-adds in place of 1,728.
//
// Points of inputs are B^T x along each axis, of the 6 x 6 x 6 that a tile's outputs need. With GRADIENT they are those
// of the gradients of outputs, A g.
//
// An invocation takes a tile of a channel. Channels from C up to `channels`, and tiles from `tilesEnd` on, are written
// as 0, so that products may be made of whole groups. All points of a tile lie together: from one to the next it is no
// multiple of a page then, of which a cache holds few.
//
// Bindings: x [N, D, H, W, C]; points [tiles, 216, channels], with BY_CHANNEL [channels, 216, tiles]. The tile counted
// as 0 there is tilesBegin.
// Constants: WORKGROUP; GRADIENT; BY_CHANNEL.
// Dispatch: threads1d(tiles channels).
#import thread
#import winograd
#import winogradTile

struct Params {
  depth: i32, height: i32, width: i32, inC: i32,
  tilesZ: i32, tilesY: i32, tilesX: i32,
  tilesBegin: i32, tilesEnd: i32,
  tiles: i32, channels: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> points: array<f32>;

#ifdef GRADIENT
#let LINES = 4
const BEFORE = 0;
#else
#let LINES = 6
const BEFORE = 1;
#endif

fn points_of(x: array<f32, ${LINES}>) -> array<f32, 6> {
#ifdef GRADIENT
  return gradient_points(x);
#else
  return input_points(x);
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = i32(linear_thread(wid, num, lane));
  if (index >= params.tiles * params.channels) {
    return;
  }
#ifdef BY_CHANNEL
  let channel = index / params.tiles;
  let tile_here = index % params.tiles;
  let to = channel * 216 * params.tiles + tile_here;
  let step = params.tiles;
#else
  let channel = index % params.channels;
  let tile_here = index / params.channels;
  let to = tile_here * 216 * params.channels + channel;
  let step = params.channels;
#endif
  let tile = tile_at(params.tilesBegin + tile_here);
  let iz = tile.z - BEFORE;
  let iy = tile.y - BEFORE;
  let ix = tile.x - BEFORE;
  let at = ((tile.plane + iz) * params.height + iy) * params.width + ix;

  // Conditions are joined by &, as && would branch.
  let is_kept = (params.tilesBegin + tile_here < params.tilesEnd) & (channel < params.inC);
#for x in 0..LINES
  let column_ok_${x} = (ix + ${x} >= 0) & (ix + ${x} < params.width);
#endfor
#for y in 0..LINES
  let line_ok_${y} = (iy + ${y} >= 0) & (iy + ${y} < params.height);
#endfor
#for z in 0..LINES
  let plane_ok_${z} = is_kept & (iz + ${z} >= 0) & (iz + ${z} < params.depth);
#for y in 0..LINES
  let row_ok_${z}_${y} = plane_ok_${z} & line_ok_${y};
  let row_${z}_${y} = (at + (${z} * params.height + ${y}) * params.width) * params.inC + channel;
  let along_x_${z}_${y} = points_of(array<f32, ${LINES}>(
#for x in 0..LINES
    select(0.0, x[u32(row_${z}_${y} + ${x} * params.inC)], row_ok_${z}_${y} & column_ok_${x}),
#endfor
  ));
#endfor
#for x in 0..6
  let along_y_${z}_${x} = points_of(array<f32, ${LINES}>(
#for y in 0..LINES
    along_x_${z}_${y}[${x}],
#endfor
  ));
#endfor
#endfor
#for y in 0..6
#for x in 0..6
  let along_z_${y}_${x} = points_of(array<f32, ${LINES}>(
#for z in 0..LINES
    along_y_${z}_${x}[${y}],
#endfor
  ));
#for z in 0..6
  points[u32(to + ${(6*z + y) * 6 + x} * step)] = along_z_${y}_${x}[${z}];
#endfor
#endfor
#endfor
}
