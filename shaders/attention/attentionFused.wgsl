// Attention forward in one dispatch (FlashAttention: Dao et al. 2022, arXiv 2205.14135), for adapters with subgroups of
// one known, small size (software ones):
//
//   y[n, t, h, c] = sum over keys j of exp(scale q[t] . k[j] + pairBias[m, h, t, j] - logSumExp[n, h, t]) v[j, c]
//
// where m = n / copies is the chain that sample n is a copy of.
//
// A workgroup is one subgroup of WORKGROUP lanes and takes TILE_COLUMNS queries a lane: lane l has the queries l,
// WORKGROUP + l and so on, so that maxima and sums over keys need no other lane, and scores never leave it. Both
// products are made as in matmulPanel.wgsl, transposed: sums over k of left[row, k] panel[k, query]. For scores rows
// are keys and the panel is the queries; for values rows are channels and the panel is the probabilities of KEYS keys.
// Maximum, sum and result are merged from KEYS keys to KEYS keys (online softmax: Milakov and Gimelshein 2018, arXiv
// 1805.02867).
//
// Bindings: qkv [N, T, 3, heads, C] (queries, keys and values, of each the heads), y [N, T, heads, C], logSumExp
// [N, heads, T]; pairBias [N / copies, heads, T, T] with PAIR_BIAS; mask [N / copies, T] with MASK, 0 where a key is
// not there. A query without any key gets 0.
// Constants: WORKGROUP, the exact subgroup size; TILE_ROWS, a multiple of it that divides 4 WORKGROUP; TILE_COLUMNS;
// KEYS and CHANNELS, multiples of TILE_ROWS, CHANNELS >= C; WIDE: C is a multiple of 4, and qkv is bound as groups of
// four; WIDE_BIAS: T is, and the bias is bound so; X_F16, Y_F16: qkv with pairBias, y are stored in half precision.
// Host: rows and queries beyond the last are read from it again, and nothing is stored there.
// Dispatch: x, y: workgroups1d(ceil(T / (WORKGROUP TILE_COLUMNS))); z: samples times heads.
enable subgroups;
diagnostic(off, subgroup_uniformity);
#import grid
#import nan
#import storagePair

struct Params { tokens: u32, heads: u32, copies: u32, channels: u32, scale: f32 }

#ifdef WIDE
alias Element = vec4<StoredX>;
#else
alias Element = StoredX;
#endif

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<StoredY>;
@group(0) @binding(3) var<storage, read_write> logSumExp: array<f32>;
#ifdef PAIR_BIAS
#ifdef WIDE_BIAS
@group(0) @binding(4) var<storage, read> pairBias: array<vec4<StoredX>>;
#else
@group(0) @binding(4) var<storage, read> pairBias: array<StoredX>;
#endif
#endif
#ifdef MASK
@group(0) @binding(5) var<storage, read> mask: array<f32>;
#endif

#let VECTORS = TILE_ROWS / WORKGROUP
// With WIDE a load of four channels a lane brings all rows of so many keys.
#let KEYS_OF_LOAD = 4 * WORKGROUP / TILE_ROWS
#let LANES_OF_KEY = TILE_ROWS / 4
// Below all scores that are of any weight.
const LOWEST = -3.4e38;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let query = linear_workgroup(wid, num) * (WORKGROUP * TILE_COLUMNS) + lane;
  if (query - lane >= params.tokens) {
    return;
  }
  let channels = params.channels;
  let sample = wid.z / params.heads;
  let chain = sample / params.copies;
  let head = wid.z % params.heads * channels;
  let matrix = chain * params.heads + wid.z % params.heads;
  let all_channels = params.heads * channels;
  let token = 3u * all_channels;
  let queries_at = sample * params.tokens * token + head;
  let keys_at = queries_at + all_channels;
  let values_at = keys_at + all_channels;

  // As in matmulPanel.wgsl: constant inner indices, some slots more. What is not written is 0, such as channels
  // beyond C.
  var queries: array<array<f32, TILE_COLUMNS>, CHANNELS + 2>;
  var weights: array<array<f32, TILE_COLUMNS>, KEYS + 6>;
  var sums: array<array<f32, TILE_COLUMNS>, CHANNELS + 10>;
#for q in 0..TILE_COLUMNS
  let query_at_${q} = queries_at + min(query + ${q * WORKGROUP}u, params.tokens - 1u) * token;
  var top_${q} = LOWEST;
  var total_${q} = 0.0;
#endfor
  for (var c = 0u; c < channels; c += 4u) {
#for q in 0..TILE_COLUMNS
#ifdef WIDE
    let query_${q} = params.scale * vec4<f32>(qkv[(query_at_${q} + c) / 4u]);
#for u in 0..4
    queries[c + ${u}u][${q}] = query_${q}[${u}];
#endfor
#else
#for u in 0..4
    if (c + ${u}u < channels) {
      queries[c + ${u}u][${q}] = params.scale * f32(qkv[query_at_${q} + c + ${u}u]);
    }
#endfor
#endif
#endfor
  }

  for (var first = 0u; first < params.tokens; first += KEYS) {
    let count = min(u32(KEYS), params.tokens - first);
#for q in 0..TILE_COLUMNS
    var next_${q} = top_${q};
#endfor
    for (var row = 0u; row < count; row += TILE_ROWS) {
#for v in 0..VECTORS
      let key_at_${v} = keys_at + min(first + row + ${v * WORKGROUP}u + lane, params.tokens - 1u) * token;
#endfor
#for r in 0..TILE_ROWS
#for q in 0..TILE_COLUMNS
      var score_${r}_${q} = 0.0;
#endfor
#endfor
      for (var c = 0u; c < channels; c += 4u) {
#for v in 0..VECTORS
#ifdef WIDE
        let keys_${v} = vec4<f32>(qkv[(key_at_${v} + c) / 4u]);
#else
        var keys_${v} = vec4<f32>();
#for u in 0..4
        keys_${v}[${u}] = select(0.0, f32(qkv[key_at_${v} + min(c + ${u}u, channels - 1u)]), c + ${u}u < channels);
#endfor
#endif
#endfor
#for u in 0..4
#for q in 0..TILE_COLUMNS
        let query_${q}_${u} = queries[c + ${u}u][${q}];
#endfor
#endfor
#for r in 0..TILE_ROWS
#for u in 0..4
        let key_${r}_${u} = subgroupShuffle(keys_${r / WORKGROUP}[${u}], ${r % WORKGROUP}u);
#endfor
#for q in 0..TILE_COLUMNS
#for u in 0..4
        score_${r}_${q} = fma(key_${r}_${u}, query_${q}_${u}, score_${r}_${q});
#endfor
#endfor
#endfor
      }
#ifdef MASK
#for v in 0..VECTORS
      let mask_${v} = mask[chain * params.tokens + min(first + row + ${v * WORKGROUP}u + lane, params.tokens - 1u)];
#endfor
#endif
#ifdef PAIR_BIAS
#for q in 0..TILE_COLUMNS
      let bias_at_${q} = (matrix * params.tokens + min(query + ${q * WORKGROUP}u, params.tokens - 1u)) * params.tokens;
#for r in 0..TILE_ROWS
#ifdef WIDE_BIAS
#if r % 4 == 0
      let biases_${r}_${q} = vec4<f32>(pairBias[(bias_at_${q} + min(first + row + ${r}u, params.tokens - 4u)) / 4u]);
#endif
      score_${r}_${q} += biases_${r / 4 * 4}_${q}[${r % 4}];
#else
      score_${r}_${q} += f32(pairBias[bias_at_${q} + min(first + row + ${r}u, params.tokens - 1u)]);
#endif
#endfor
#endfor
#endif
#for r in 0..TILE_ROWS
#ifdef MASK
      let there_${r} = row + ${r}u < count && subgroupShuffle(mask_${r / WORKGROUP}, ${r % WORKGROUP}u) != 0.0;
#else
      let there_${r} = row + ${r}u < count;
#endif
#for q in 0..TILE_COLUMNS
      let kept_${r}_${q} = select(LOWEST, score_${r}_${q}, there_${r});
      weights[row + ${r}u][${q}] = kept_${r}_${q};
      next_${q} = max(next_${q}, kept_${r}_${q});
#endfor
#endfor
    }

#for q in 0..TILE_COLUMNS
    let decay_${q} = exp_or_nan(top_${q} - next_${q});
    top_${q} = next_${q};
    total_${q} *= decay_${q};
#endfor
    for (var key = 0u; key < count; key++) {
#for q in 0..TILE_COLUMNS
#ifdef MASK
      let score_${q} = weights[key][${q}];
      let weight_${q} = select(exp_or_nan(score_${q} - top_${q}), 0.0, score_${q} == LOWEST);
#else
      let weight_${q} = exp_or_nan(weights[key][${q}] - top_${q});
#endif
      weights[key][${q}] = weight_${q};
      total_${q} += weight_${q};
#endfor
    }

    for (var row = 0u; row < channels; row += TILE_ROWS) {
#for r in 0..TILE_ROWS
#for q in 0..TILE_COLUMNS
      var sum_${r}_${q} = sums[row + ${r}u][${q}] * decay_${q};
#endfor
#endfor
#ifdef WIDE
      let value_at = values_at + min(row + lane % ${LANES_OF_KEY}u * 4u, channels - 4u);
#else
#for v in 0..VECTORS
      let value_at_${v} = values_at + min(row + ${v * WORKGROUP}u + lane, channels - 1u);
#endfor
#endif
      for (var key = 0u; key < count; key += 4u) {
#for u in 0..4
#ifdef WIDE
#if u % KEYS_OF_LOAD == 0
        let token_${u} = min(first + key + ${u}u + lane / ${LANES_OF_KEY}u, params.tokens - 1u) * token;
        let values_${u} = vec4<f32>(qkv[(value_at + token_${u}) / 4u]);
#endif
#else
        let token_${u} = min(first + key + ${u}u, params.tokens - 1u) * token;
#for v in 0..VECTORS
        let values_${u}_${v} = f32(qkv[value_at_${v} + token_${u}]);
#endfor
#endif
#for q in 0..TILE_COLUMNS
        let weight_${q}_${u} = select(0.0, weights[key + ${u}u][${q}], key + ${u}u < count);
#endfor
#endfor
#for r in 0..TILE_ROWS
#for u in 0..4
#ifdef WIDE
#let load = u / KEYS_OF_LOAD * KEYS_OF_LOAD
        let value_${r}_${u} = subgroupShuffle(values_${load}[${r % 4}], ${(u - load) * LANES_OF_KEY + r / 4}u);
#else
        let value_${r}_${u} = subgroupShuffle(values_${u}_${r / WORKGROUP}, ${r % WORKGROUP}u);
#endif
#endfor
#for q in 0..TILE_COLUMNS
#for u in 0..4
        sum_${r}_${q} = fma(value_${r}_${u}, weight_${q}_${u}, sum_${r}_${q});
#endfor
#endfor
#endfor
      }
#for r in 0..TILE_ROWS
#for q in 0..TILE_COLUMNS
      sums[row + ${r}u][${q}] = sum_${r}_${q};
#endfor
#endfor
    }
  }

#for q in 0..TILE_COLUMNS
  if (query + ${q * WORKGROUP}u < params.tokens) {
    let result_${q} = query + ${q * WORKGROUP}u;
    let at = (sample * params.tokens + result_${q}) * all_channels + head;
#ifdef MASK
    // A query without any key gets 0.
    let any = total_${q} != 0.0;
    let log_sum = select(0.0, top_${q} + log_or_nan(total_${q}), any);
    let total = select(1.0, total_${q}, any);
#else
    let log_sum = top_${q} + log_or_nan(total_${q});
    let total = total_${q};
#endif
    logSumExp[wid.z * params.tokens + result_${q}] = log_sum;
    for (var c = 0u; c < channels; c++) {
      y[at + c] = StoredY(sums[c][${q}] / total);
    }
  }
#endfor
}
