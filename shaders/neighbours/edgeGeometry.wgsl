// Directions and lengths of the edges from neighbours j to their atom i:
//
//   edges = ((x_i - x_j) / d, d),   d = |x_i - x_j|
//
// with PERIODIC from the neighbour's nearest image, and zeros where a slot is free. Atoms in one place have d = 0 and
// no direction: zeros too.
//
// Bindings: positions [rows] of (x, y, z, unused); neighbours [rows, slots] of row numbers; neighbourCounts [rows], how
// many slots are used; edges [rows, slots].
// Constants: PERIODIC (shared/separation.wgsl), where a structure has `atoms` rows.
// Host: each row of neighbours that is used is one of positions. One invocation per slot.
// Dispatch: threads1d(rows slots).
#import separation
#import thread

struct Params { rows: u32, slots: u32, atoms: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> neighbours: array<u32>;
@group(0) @binding(3) var<storage, read> neighbourCounts: array<u32>;
@group(0) @binding(4) var<storage, read_write> edges: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let row = at / params.slots;
  if (row >= params.rows) {
    return;
  }
  var edge = vec4<f32>();
  if (at - row * params.slots < neighbourCounts[row]) {
#ifdef PERIODIC
    use_lattice(row / params.atoms);
#endif
    let between = away(positions[row].xyz, positions[neighbours[at]].xyz);
    let square = dot(between, between);
    // NaN is not zero.
    if (bitcast<u32>(square) != 0u) {
      let d = sqrt(square);
      edge = vec4<f32>(between / d, d);
    }
  }
  edges[at] = edge;
}
