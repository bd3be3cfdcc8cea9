// The gradient of layerNorm.wgsl with respect to its input. With n = (x - mean) rstd and g = gradY weight,
//
//   gradX = rstd (g - mean of g - n mean of (g n)) [+ addend]
//
// where RMS has no mean of g: there the mean is 0.
//
// Bindings: x, gradY, gradX, addend (only with ADDEND), rows as shared/layerNormRows.wgsl has them; weight [columns]
// with HAS_WEIGHT; stats [rows] of (mean, rstd), of the forward pass.
// Constants: TEAM, WORKGROUP (shared/rowTeam.wgsl); RMS, HAS_WEIGHT, ADDEND; VEC4: the columns are a multiple of 4;
// F16: x, gradY, gradX and addend are stored in half precision.
// Dispatch: workgroups1d(ceil(rows TEAM / WORKGROUP)).
#import layerNormRows
#import rowTeam
#import storage

struct Params { rows: u32, columns: u32, groups: u32, pitch: u32, offset: u32, count: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
#ifdef HAS_WEIGHT
@group(0) @binding(2) var<storage, read> weight: array<Real>;
#endif
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> gradY: array<Stored>;
@group(0) @binding(5) var<storage, read_write> gradX: array<Stored>;
#ifdef ADDEND
@group(0) @binding(6) var<storage, read> addend: array<Stored>;
#endif

// gradY weight.
fn scaled_gradient(at: u32, column: u32) -> Real {
#ifdef HAS_WEIGHT
  return Real(gradY[at]) * weight[column];
#else
  return Real(gradY[at]);
#endif
}

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
  let moments = stats[min(row, params.rows - 1u)];
  var sum = Real();
  var along = Real();
  for (var c = member; c < columns; c += TEAM) {
    let gradient = scaled_gradient(first + c, c);
    sum += gradient;
    along += gradient * ((Real(x[first + c]) - moments.x) * moments.y);
  }
#ifdef RMS
  let mean = 0.0;
#else
  let mean = team_sum(sum, lane) / params.count;
#endif
  let slope = team_sum(along, lane) / params.count;
  for (var c = member; c < columns; c += TEAM) {
    let normal = (Real(x[first + c]) - moments.x) * moments.y;
    var value = moments.y * (scaled_gradient(first + c, c) - mean - normal * slope);
#ifdef ADDEND
    value += Real(addend[first + c]);
#endif
    gradX[first + c] = Stored(value);
  }
}
