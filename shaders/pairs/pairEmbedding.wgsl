// The sum of a pair's rows of three tables that lie one after another: y[p] = table[a] + table[b] + table[c], where
// bins[p] has in 8 bits each, from the lowest, a, b - `second` (no row where it is 255) and c - `third`; 0 where all
// bits are set.
//
// Bindings: bins [pairs]; table [rows, columns]; y [pairs, columns]; columns in Reals.
// Constants: VEC4: the columns are a multiple of 4; F16: y is stored in half precision.
// Dispatch: threads1d(pairs columns).
#import thread
#import storage

struct Params { pairs: u32, columns: u32, second: u32, third: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bins: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<Real>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let pair = at / params.columns;
  if (pair >= params.pairs) {
    return;
  }
  let column = at - pair * params.columns;
  let word = bins[pair];
  var value = Real();
  if (word != 0xffffffffu) {
    value = table[(word & 255u) * params.columns + column];
    let before = (word >> 8u) & 255u;
    if (before != 255u) {
      value += table[(params.second + before) * params.columns + column];
    }
    value += table[(params.third + (word >> 16u)) * params.columns + column];
  }
  y[at] = Stored(value);
}
