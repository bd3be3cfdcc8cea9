// The products between the passes of conv3dWinograd: for each of Winograd's points a product of two matrices,
//
//   sums[p, r, c] = sum over k of left[p, r, k] right[p, c, k]
//
// for SwiftShader, whose subgroups are quads: there a load of four numbers takes as long as some twenty multiply-adds,
// from whatever memory. So each serves a whole tile, and what lanes hold is exchanged within the quad, which is one
// instruction for four numbers.
//
// Lane l of a quad has rows l, 4 + l and so on of a tile of 4 ROWS rows, and holds columns l, 4 + l ... of the 4 QUADS
// columns. With s from 0 to 3, its column l + 4 j exchanged with lane l xor s is column 4 j + (l xor s), which its rows
// are multiplied with. Four products are added up before a sum is written: that takes a mask, as all that a loop
// changes, and as many instructions as three multiply-adds.
//
// Bindings: left [rows, 216, 4 groupsK], right [columns, 216, 4 groupsK], sums [points, rows, columns], from element
// `begin` on: rows and columns are whole numbers of tiles.
// Constants: WORKGROUP, 4: a quad; ROWS, QUADS.
// Dispatch: x, y: workgroups1d(tilesR tilesC); z: points.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid

struct Params { tilesR: u32, tilesC: u32, groupsK: u32, begin: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // Rows of tiles one after the other: all columns use a tile's rows while they are cached.
  let tile = linear_workgroup(wid, num);
  if (tile >= params.tilesR * params.tilesC) {
    return;
  }
  let row = tile / params.tilesC * (4u * ROWS) + lane;
  let column = tile % params.tilesC * (4u * QUADS) + lane;
  let rows = params.tilesR * (4u * ROWS);
  let columns = params.tilesC * (4u * QUADS);
  let groups = params.groupsK;
  let point = wid.z;
#for r in 0..ROWS
#for j in 0..QUADS
#for s in 0..4
  var sum_${r}_${j}_${s} = 0.0;
#endfor
#endfor
#endfor
  let left_at = (row * 216u + point) * groups;
  let right_at = (column * 216u + point) * groups;
  for (var k = 0u; k < groups; k++) {
#for r in 0..ROWS
    let left_${r} = left[left_at + ${4 * r * 216}u * groups + k];
#endfor
#for j in 0..QUADS
    let right_${j}_0 = right[right_at + ${4 * j * 216}u * groups + k];
    let right_${j}_1 = quadSwapX(right_${j}_0);
    let right_${j}_2 = quadSwapY(right_${j}_0);
    let right_${j}_3 = quadSwapDiagonal(right_${j}_0);
#for s in 0..4
#for r in 0..ROWS
    sum_${r}_${j}_${s} += left_${r}.x * right_${j}_${s}.x + left_${r}.y * right_${j}_${s}.y
      + left_${r}.z * right_${j}_${s}.z + left_${r}.w * right_${j}_${s}.w;
#endfor
#endfor
#endfor
  }
  let columns_begin = column - lane;
#for s in 0..4
  let column_${s} = columns_begin + (lane ^ ${s}u);
#endfor
  let to = params.begin + (wid.z * rows + row) * columns;
#for r in 0..ROWS
#for j in 0..QUADS
#for s in 0..4
  sums[to + ${4 * r}u * columns + column_${s} + ${4 * j}u] = sum_${r}_${j}_${s};
#endfor
#endfor
#endfor
}
