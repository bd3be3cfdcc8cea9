// Layer norm (arXiv 1607.06450) and, with RMS, root mean square norm (arXiv 1910.07467) of each row:
//
//   y = weight (x - mean) rstd + bias,   rstd = 1 / sqrt(mean of (x - mean)^2 + eps)
//
// where RMS has no mean subtracted: it is 0 there. Mean and variance come of one pass, by updates of the mean and of
// the sum of squares around it (Welford 1962, doi 10.1080/00401706.1962.10490022), which are then merged: nothing is
// lost where all numbers are far from zero.
//
// Bindings: x, y, rows as shared/layerNormRows.wgsl has them; weight [columns] with HAS_WEIGHT, bias [columns] with
// HAS_BIAS; stats [rows] of (mean, rstd), written. Columns are counted in Reals, `count` in numbers.
// Constants: TEAM, WORKGROUP (shared/rowTeam.wgsl); RMS, HAS_WEIGHT, HAS_BIAS; VEC4: the columns are a multiple of 4;
// F16: x and y are stored in half precision.
// Dispatch: workgroups1d(ceil(rows TEAM / WORKGROUP)).
#import layerNormRows
#import rowTeam
#import storage

struct Params { rows: u32, columns: u32, groups: u32, pitch: u32, offset: u32, count: f32, eps: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
#ifdef HAS_WEIGHT
@group(0) @binding(2) var<storage, read> weight: array<Real>;
#endif
#ifdef HAS_BIAS
@group(0) @binding(3) var<storage, read> bias: array<Real>;
#endif
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let row = index / TEAM;
  let member = index % TEAM;
  // A row beyond the last has no columns.
  let columns = select(0u, params.columns, row < params.rows);
  let first = row_begin(row);
#ifdef RMS
  let mean = 0.0;
  var squares = Real();
  for (var c = member; c < columns; c += TEAM) {
    let value = Real(x[first + c]);
    squares += value * value;
  }
#else
  var part_mean = Real();
  var squares = Real();
  var seen = 0.0;
  for (var c = member; c < columns; c += TEAM) {
    let value = Real(x[first + c]);
    let deviation = value - part_mean;
    seen += 1.0;
    part_mean += deviation * (1.0 / seen);
    squares += deviation * (value - part_mean);
  }
  let mean = team_sum(seen * part_mean, lane) / params.count;
  squares += seen * (part_mean - mean) * (part_mean - mean);
#endif
  let rstd = 1.0 / sqrt(team_sum(squares, lane) / params.count + params.eps);
  if (member == 0u && row < params.rows) {
    stats[row] = vec2<f32>(mean, rstd);
  }
  for (var c = member; c < columns; c += TEAM) {
    var value = (Real(x[first + c]) - mean) * rstd;
#ifdef HAS_WEIGHT
    value *= weight[c];
#endif
#ifdef HAS_BIAS
    value += bias[c];
#endif
    y[first + c] = Stored(value);
  }
}
