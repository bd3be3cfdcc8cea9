// Convolutions of kernel 1, which are linear layers, for adapters with subgroups of one known, small size (software
// ones). As a GEMM: M = all voxels, N = Co, K = Ci:
//
//   y[row, co] = sum over ci of x[row, ci] weight[ci weightIn + co weightOut] + bias[co] + addend[row, co]
//
// A load from a buffer takes as long as some thirty multiply-adds there, whatever its width. So the weights of
// WORKGROUP COLUMNS output channels are loaded once into a private array, a panel (Goto and van de Geijn 2008, doi
// 10.1145/1356052.1356053), which serves rowTiles tiles of ROWS rows; lane l has the channels l, WORKGROUP + l and so
// on of the panel. Of the rows lane l loads channel l of every WORKGROUP, which shuffles spread: a number of x is
// loaded once for all channels of the panel.
//
// Operands: shared/convOperands.wgsl. Constants: WORKGROUP = the subgroup size; ROWS, COLUMNS; DEPTH, a multiple of it:
// input channels that the panel holds, more are taken in parts, whose sums wait in y; X_F16, Y_F16.
// Host: with more input channels than DEPTH, y is f32.
// Dispatch: workgroups1d(columnParts * ceil(rows / (rowTiles ROWS))); columnParts = ceil(Co / (WORKGROUP COLUMNS)).
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import convOperands

struct Params {
  rows: i32, inC: i32, outC: i32,
  columnParts: i32, rowTiles: i32,
  weightIn: i32, weightOut: i32,
  hasBias: i32, hasAddend: i32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let index = i32(linear_workgroup(wid, num));
  let l = i32(lane);
  let row_begin = index / params.columnParts * params.rowTiles * ROWS;
  if (row_begin >= params.rows) {
    return;
  }
  let row_end = min(row_begin + params.rowTiles * ROWS, params.rows);
  let column = index % params.columnParts * (WORKGROUP * COLUMNS) + l;
#for j in 0..COLUMNS
  // Channels beyond the last are those of the last again, and are not stored.
  let channel_${j} = min(column + ${j * WORKGROUP}, params.outC - 1);
  let bias_${j} = load_bias(channel_${j});
#endfor
  // Inner indices are constants, so that the compiler splits the array. A slot more keeps them from lying a page apart.
  var panel: array<array<f32, COLUMNS>, DEPTH + 2>;
  for (var first = 0; first < params.inC; first += DEPTH) {
    let depth = min(DEPTH, params.inC - first);
    for (var k = 0; k < depth; k++) {
      let weight_at = (first + k) * params.weightIn;
#for j in 0..COLUMNS
      panel[k][${j}] = weight[u32(weight_at + channel_${j} * params.weightOut)];
#endfor
    }
    // What fills up the last turn of the loop below meets zeros of x.
    for (var k = depth; k < (depth + WORKGROUP - 1) / WORKGROUP * WORKGROUP; k++) {
#for j in 0..COLUMNS
      panel[k][${j}] = 0.0;
#endfor
    }
    for (var row = row_begin; row < row_end; row += ROWS) {
#for i in 0..ROWS
      let x_${i} = min(row + ${i}, params.rows - 1) * params.inC + first;
#for j in 0..COLUMNS
      var sum_${i}_${j} = 0.0;
#endfor
#endfor
      for (var k = 0; k < depth; k += WORKGROUP) {
        let mine = min(k + l, depth - 1);
        let is_there = k + l < depth;
#for i in 0..ROWS
        let left_${i} = select(0.0, f32(x[u32(x_${i} + mine)]), is_there);
#endfor
#for u in 0..WORKGROUP
#for j in 0..COLUMNS
        let right_${u}_${j} = panel[k + ${u}][${j}];
#endfor
#for i in 0..ROWS
        let left_${i}_${u} = subgroupShuffle(left_${i}, ${u}u);
#for j in 0..COLUMNS
        sum_${i}_${j} = fma(left_${i}_${u}, right_${u}_${j}, sum_${i}_${j});
#endfor
#endfor
#endfor
      }
      var sums: array<array<f32, COLUMNS>, ROWS>;
#for i in 0..ROWS
#for j in 0..COLUMNS
      sums[${i}][${j}] = sum_${i}_${j};
#endfor
#endfor
      let is_last = first + depth == params.inC;
      for (var i = 0; i < min(ROWS, row_end - row); i++) {
        let at = (row + i) * params.outC + column;
#for j in 0..COLUMNS
        if (column + ${j * WORKGROUP} < params.outC) {
          var value = sums[i][${j}];
          if (first == 0) {
            value += bias_${j};
          } else {
            value += f32(y[u32(at + ${j * WORKGROUP})]);
          }
          if (is_last && params.hasAddend != 0) {
            store_1(at + ${j * WORKGROUP}, value);
          } else {
            store_0(at + ${j * WORKGROUP}, value);
          }
        }
#endfor
      }
    }
  }
}
