// The cell of each atom (shared/cells.wgsl), `cells` of padding.
//
// Bindings: positions [structures, atoms] of (x, y, z, unused); counts [structures]; grids [structures, 2]; keys
// [structures, atoms], written. One invocation per atom.
// Constants: PERIODIC (shared/separation.wgsl). Dispatch: threads1d(structures atoms).
#import cells
#import thread

struct Params { structures: u32, atoms: u32, cells: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> positions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> grids: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> keys: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let atom = linear_thread(wid, num, lane);
  let structure = atom / params.atoms;
  if (structure >= params.structures) {
    return;
  }
#ifdef PERIODIC
  use_lattice(structure);
#endif
  let grid = grid_of(grids[2u * structure], grids[2u * structure + 1u]);
  let number = cell_number(grid, cell_of(grid, place_of(grid, positions[atom].xyz)));
  keys[atom] = select(params.cells, number, atom - structure * params.atoms < counts[structure]);
}
