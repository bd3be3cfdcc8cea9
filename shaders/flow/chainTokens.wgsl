// What a network is told of the tokens of windows of chains, but for coordinates:
//
//   tokens[b, s] = 1 for registers and residues, else 0
//   placeFeatures[b, registers + i] = (placeTable[i], break of the window's residue i),   i = 0 .. length - 1
//
// and 0 for registers and padding. Behind its last residue a window has no break.
//
// Bindings: windows [chains] of (first, length), length <= side - registers; breaks f32 [rows]; placeTable f32 [side -
// registers, width - 1]; tokens f32 [chains, side] and placeFeatures f32 [chains, side, width], both written.
// One thread a number of placeFeatures, `count` of them. Dispatch: threads1d(count).
#import thread

struct Params { count: u32, side: u32, registers: u32, width: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> windows: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> breaks: array<f32>;
@group(0) @binding(3) var<storage, read> placeTable: array<f32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<f32>;
@group(0) @binding(5) var<storage, read_write> placeFeatures: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  if (at >= params.count) {
    return;
  }
  let row = at / params.width;
  let column = at - row * params.width;
  let chain = row / params.side;
  let token = row - chain * params.side;
  let window = windows[chain];
  let is_register = token < params.registers;
  let i = token - params.registers;
  let is_residue = !is_register && i < window.y;
  if (column == 0u) {
    tokens[row] = select(0.0, 1.0, is_register || is_residue);
  }
  let embedded = params.width - 1u;
  var value = 0.0;
  if (is_residue && column < embedded) {
    value = placeTable[i * embedded + column];
  } else if (is_residue && i + 1u < window.y) {
    value = breaks[window.x + i];
  }
  placeFeatures[at] = value;
}
