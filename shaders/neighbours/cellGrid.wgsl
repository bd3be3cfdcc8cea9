// The grid of cells of each structure (shared/cells.wgsl): over the box of its atoms or over its own cell, with cells
// of such a size that `perCell` atoms would be in each, were they evenly spread, and larger where they were more than
// `cells`.
//
// Bindings: positions [structures, atoms] of (x, y, z, unused); counts [structures]; grids [structures, 2], written.
// Constants: PERIODIC (shared/separation.wgsl). One workgroup per structure, of WORKGROUP lanes.
// Dispatch: workgroups1d(structures).
#import grid
#import separation

const LANES = WORKGROUP;
const MOST_ALONG = 1024.0;

struct Params { structures: u32, atoms: u32, cells: u32, perCell: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> grids: array<vec4<f32>>;

var<workgroup> lows: array<vec4<f32>, WORKGROUP>;
var<workgroup> highs: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let structure = linear_workgroup(wid, num);
  let is_one = structure < params.structures;
  let first = min(structure, params.structures - 1u) * params.atoms;
  let count = min(counts[min(structure, params.structures - 1u)], params.atoms);
  var low = positions[first];
  var high = low;
  for (var i = lane; i < count; i += LANES) {
    low = min(low, positions[first + i]);
    high = max(high, positions[first + i]);
  }
  lows[lane] = low;
  highs[lane] = high;
  workgroupBarrier();
  if (lane != 0u || !is_one) {
    return;
  }
  for (var other = 1u; other < min(LANES, count); other++) {
    low = min(low, lows[other]);
    high = max(high, highs[other]);
  }
  var extent = high.xyz - low.xyz;
#ifdef PERIODIC
  use_lattice(structure);
  if (repeats) {
    extent = widths();
  }
#endif
  let longest = max(max(extent.x, extent.y), max(extent.z, 1e-3));
  // A flat box has some thickness.
  let thick = max(extent, vec3<f32>(0.01 * longest));
  var edge = pow(thick.x * thick.y * thick.z * params.perCell / f32(max(count, 1u)), 1.0 / 3.0);
  var size = vec3<f32>(1.0);
  var fits = false;
  for (var attempt = 0; attempt < 64 && !fits; attempt++) {
    edge *= select(1.0, 1.1, attempt > 0);
    size = clamp(ceil(extent / edge), vec3<f32>(1.0), vec3<f32>(MOST_ALONG));
    fits = size.x * size.y * size.z <= f32(params.cells);
  }
  if (!fits) {
    size = vec3<f32>(1.0);
    edge = 2.0 * longest;
  }
  grids[2u * structure] = vec4<f32>(low.xyz, edge);
  grids[2u * structure + 1u] = vec4<f32>(size, 1.0 / edge);
}
