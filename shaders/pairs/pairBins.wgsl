// What is known of the pairs of a chain's residues, as rows of tables: of each pair (i, j) in 8 bits each, from the
// lowest,
//
//   clamp(i - j, -63, 63) + 63,   the bin of |previous_i - previous_j|,   that of |x_i - x_j|
//
// where a bin is the number of limits strictly below the distance: limits from `first` on, (1 / perBin) apart. All bits
// are set for a pair of which one is no residue (0 in `residues`). The second bin is 255 without PREVIOUS, and with
// PRESENT where `present` is 0.
//
// Bindings: x, previous f32 [chains, side, 3]; residues f32 [chains, side]; present f32 [1]; bins [chains, side, side],
// written. Constants: PREVIOUS; PRESENT, which needs it.
// Dispatch: threads1d(chains side side).
#import thread

struct Params { count: u32, side: u32, first: f32, perBin: f32, bins: f32, previousPerBin: f32, previousBins: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
#ifdef PREVIOUS
@group(0) @binding(2) var<storage, read> previous: array<f32>;
#ifdef PRESENT
@group(0) @binding(5) var<storage, read> present: array<f32>;
#endif
#endif
@group(0) @binding(3) var<storage, read> residues: array<f32>;
@group(0) @binding(4) var<storage, read_write> bins: array<u32>;

fn bin_of(difference: vec3<f32>, per_bin: f32, count: f32) -> u32 {
  let distance = sqrt(dot(difference, difference));
  return u32(clamp(ceil((distance - params.first) * per_bin), 0.0, count - 1.0));
}

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
  let row = at / params.side;
  let chain = row / params.side;
  let column = chain * params.side + (at - row * params.side);
  if (residues[row] == 0.0 || residues[column] == 0.0) {
    bins[at] = 0xffffffffu;
    return;
  }
  let apart = u32(clamp(i32(row) - i32(column), -63, 63) + 63);
  let i = 3u * row;
  let j = 3u * column;
  let difference = vec3<f32>(x[i] - x[j], x[i + 1u] - x[j + 1u], x[i + 2u] - x[j + 2u]);
  let now = bin_of(difference, params.perBin, params.bins);
#ifdef PREVIOUS
  var before = bin_of(
    vec3<f32>(previous[i] - previous[j], previous[i + 1u] - previous[j + 1u], previous[i + 2u] - previous[j + 2u]),
    params.previousPerBin,
    params.previousBins,
  );
#ifdef PRESENT
  before = select(before, 255u, present[0] == 0.0);
#endif
#else
  let before = 255u;
#endif
  bins[at] = apart | (before << 8u) | (now << 16u);
}
