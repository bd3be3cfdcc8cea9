// Rows times and plus vectors that many of them share:
//
//   y[n, t] = mask[n, t] (residual[n, t] + x[n, t] sigmoid(scale[g]) + shift[g])
//
// where g is the sample, and the row behind those of all samples for the first `registers` tokens. With GRAD
//
//   gradX[n, t] = m sigmoid(scale[g]),   gradResidual[n, t] = m = mask[n, t] gradY[n, t]
//
// and with VECTORS sums over the tokens of each g, m as above and s = sigmoid(scale[g]):
//
//   gradScale[g] = sum of m x s (1 - s),   gradShift[g] = sum of m
//
// Samples may be copies of chains, one after the other, which share the chain's mask and vectors; with VECTORS there is
// one copy.
//
// Bindings: x, y, gradY, gradX, with RESIDUAL residual and gradResidual [chains copies, tokens, columns]; with SCALED
// scale and gradScale, with SHIFTED shift and gradShift [chains + 1, columns]; columns in Reals; with MASKED mask, f32
// [chains, tokens], or with PAIRS [chains, side], of which a token t is the pair of t / side and t % side: its factor
// is the product of theirs.
// Constants: SIGMOID (shared/activated.wgsl); GRAD, VECTORS, RESIDUAL, SCALED, SHIFTED, MASKED, PAIRS; VEC4: the
// columns are a multiple of 4; F16: all but the mask is stored in half precision; EACH: tokens of an invocation, which
// finds its place by dear divisions, `blocks` of them in a sample. With VECTORS instead WORKGROUP and LANES, those
// invocations that share a column, of which WORKGROUP / LANES stand side by side. A sum's order is that of the lanes,
// of a lane that of the tokens.
// Dispatch: x, y: threads1d(chains blocks columns), z: copies; with VECTORS workgroups1d((chains + 1) chunks), `chunks`
// of columns.
#import activated
#import storage
#import thread

struct Params {
  chains: u32,
  copies: u32,
  tokens: u32,
  columns: u32,
  registers: u32,
  side: u32,
  chunks: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#ifdef SCALED
@group(0) @binding(1) var<storage, read> scale: array<Stored>;
#endif
#ifdef MASKED
@group(0) @binding(2) var<storage, read> mask: array<f32>;
#endif
#ifdef VECTORS
@group(0) @binding(3) var<storage, read> gradY: array<Stored>;
#ifdef SCALED
@group(0) @binding(4) var<storage, read> x: array<Stored>;
@group(0) @binding(5) var<storage, read_write> gradScale: array<Stored>;
#endif
#ifdef SHIFTED
@group(0) @binding(6) var<storage, read_write> gradShift: array<Stored>;
#endif
#elif defined(GRAD)
@group(0) @binding(3) var<storage, read> gradY: array<Stored>;
@group(0) @binding(4) var<storage, read_write> gradX: array<Stored>;
#ifdef RESIDUAL
@group(0) @binding(5) var<storage, read_write> gradResidual: array<Stored>;
#endif
#else
@group(0) @binding(3) var<storage, read> x: array<Stored>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
#ifdef RESIDUAL
@group(0) @binding(5) var<storage, read> residual: array<Stored>;
#endif
#ifdef SHIFTED
@group(0) @binding(6) var<storage, read> shift: array<Stored>;
#endif
#endif

// The mask of a token.
fn mask_factor(chain: u32, token: u32) -> f32 {
#ifdef MASKED
#ifdef PAIRS
  let first = token / params.side;
  return mask[chain * params.side + first] * mask[chain * params.side + (token - first * params.side)];
#else
  return mask[chain * params.tokens + token];
#endif
#else
  return 1.0;
#endif
}

#ifdef VECTORS
#let COLUMNS = WORKGROUP / LANES

var<workgroup> scale_parts: array<Real, WORKGROUP>;
var<workgroup> shift_parts: array<Real, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num);
  let group = index / params.chunks;
  let column = (index - group * params.chunks) * ${COLUMNS} + lane % ${COLUMNS};
  let works = group <= params.chains && column < params.columns;
  let of_sample = group < params.chains;
  // Tokens of the group in a sample, and how many there are in all.
  let each = select(params.registers, params.tokens - params.registers, of_sample);
  let count = select(0u, select(params.chains * each, each, of_sample), works);
  var by_scale = Real();
  var by_shift = Real();
  for (var i = lane / ${COLUMNS}; i < count; i += LANES) {
    let inner = i / each;
    let sample = select(inner, group, of_sample);
    let token = select(i - inner * each, i + params.registers, of_sample);
    let row = sample * params.tokens + token;
    let gradient = Real(gradY[row * params.columns + column]) * mask_factor(sample, token);
    by_shift += gradient;
#ifdef SCALED
    by_scale += gradient * Real(x[row * params.columns + column]);
#endif
  }
  scale_parts[lane] = by_scale;
  shift_parts[lane] = by_shift;
  workgroupBarrier();
  if (lane >= ${COLUMNS} || !works) {
    return;
  }
  for (var other = lane + ${COLUMNS}; other < WORKGROUP; other += ${COLUMNS}) {
    by_scale += scale_parts[other];
    by_shift += shift_parts[other];
  }
  let to = group * params.columns + column;
#ifdef SCALED
  gradScale[to] = Stored(by_scale * activated_slope(Real(scale[to])));
#endif
#ifdef SHIFTED
  gradShift[to] = Stored(by_shift);
#endif
}
#else
@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_thread(wid, num, lane);
  let block = index / params.columns;
  let chain = block / params.blocks;
  if (chain >= params.chains) {
    return;
  }
  let sample = chain * params.copies + wid.z;
  let column = index - block * params.columns;
  let first = (block - chain * params.blocks) * EACH;
  let of_chain = chain * params.columns + column;
  let of_registers = params.chains * params.columns + column;
#ifdef SCALED
  let factor = activated(Real(scale[of_chain]));
  let register_factor = activated(Real(scale[of_registers]));
#endif
#ifdef SHIFTED
  let added = Real(shift[of_chain]);
  let register_added = Real(shift[of_registers]);
#endif
  for (var token = first; token < min(first + EACH, params.tokens); token++) {
    let is_register = token < params.registers;
    let at = (sample * params.tokens + token) * params.columns + column;
#ifdef GRAD
    var value = Real(gradY[at]) * mask_factor(chain, token);
#ifdef RESIDUAL
    gradResidual[at] = Stored(value);
#endif
#ifdef SCALED
    value *= select(factor, register_factor, is_register);
#endif
    gradX[at] = Stored(value);
#else
    var value = Real(x[at]);
#ifdef SCALED
    value *= select(factor, register_factor, is_register);
#endif
#ifdef SHIFTED
    value += select(added, register_added, is_register);
#endif
#ifdef RESIDUAL
    value += Real(residual[at]);
#endif
    y[at] = Stored(value * mask_factor(chain, token));
#endif
  }
}
#endif
