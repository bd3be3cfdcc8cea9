// The last pass of 3x3x3 convolutions by products of matrices: outputs of the products' sums, A^T along each axis (see
// conv3dWinogradPoints.wgsl).
//
//   y[n, o, co] = bias[co] + addend[n, o, co] + the output of sums[p, t, co]
//
// An invocation makes the 4 x 4 x 4 outputs of a tile in a channel.
//
// Bindings: sums [216, rows, columns]; bias [Co] and addend (as y) are read only where hasBias, hasAddend are 1;
// y [N, D, H, W, Co]. The tile counted as 0 in sums is tilesBegin.
// Constants: WORKGROUP.
// Dispatch: threads1d(tiles Co).
#import thread
#import winograd
#import winogradTile

struct Params {
  depth: i32, height: i32, width: i32, outC: i32,
  tilesZ: i32, tilesY: i32, tilesX: i32,
  tilesBegin: i32, tiles: i32,
  rows: i32, columns: i32,
  hasBias: i32, hasAddend: i32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> addend: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = i32(linear_thread(wid, num, lane));
  let tile_here = index / params.outC;
  if (tile_here >= params.tiles) {
    return;
  }
  let co = index % params.outC;
  let tile = tile_at(params.tilesBegin + tile_here);
  let step = params.rows * params.columns;
  let at = tile_here * params.columns + co;
#for z in 0..6
#for y in 0..6
  let along_x_${z}_${y} = four_outputs(array<f32, 6>(
#for x in 0..6
    sums[u32(at + ${(6*z + y) * 6 + x} * step)],
#endfor
  ));
#endfor
#for x in 0..4
  let along_y_${z}_${x} = four_outputs(array<f32, 6>(
#for y in 0..6
    along_x_${z}_${y}[${x}],
#endfor
  ));
#endfor
#endfor
#for y in 0..4
#for x in 0..4
  let along_z_${y}_${x} = four_outputs(array<f32, 6>(
#for z in 0..6
    along_y_${z}_${x}[${y}],
#endfor
  ));
#endfor
#endfor

  let bias_here = select(0.0, bias[u32(co)], params.hasBias != 0);
  let row = ((tile.plane + tile.z) * params.height + tile.y) * params.width + tile.x;
#for z in 0..4
#for y in 0..4
  let line_ok_${z}_${y} = (tile.z + ${z} < params.depth) & (tile.y + ${y} < params.height);
#for x in 0..4
  let to_${z}_${y}_${x} = (row + (${z} * params.height + ${y}) * params.width + ${x}) * params.outC + co;
  var value_${z}_${y}_${x} = along_z_${y}_${x}[${z}] + bias_here;
#endfor
#endfor
#endfor
  if (params.hasAddend != 0) {
#for z in 0..4
#for y in 0..4
#for x in 0..4
    value_${z}_${y}_${x} += addend[u32(to_${z}_${y}_${x})];
#endfor
#endfor
#endfor
  }
#for z in 0..4
#for y in 0..4
#for x in 0..4
  if (line_ok_${z}_${y} & (tile.x + ${x} < params.width)) {
    y[u32(to_${z}_${y}_${x})] = value_${z}_${y}_${x};
  }
#endfor
#endfor
#endfor
}
