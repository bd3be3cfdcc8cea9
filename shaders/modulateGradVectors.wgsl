// The gradients of modulate.wgsl with respect to the vectors: with m = mask gradY, sums over the tokens of a group g
//
//   gradScale[g] = sum of m x s (1 - s),  s = sigmoid(scale[g]);   gradShift[g] = sum of m
//
// A sample's group has its tokens from number `registers` on, the last group the first `registers` of all samples.
//
// Bindings: x (SCALED), gradY [samples, tokens, columns]; scale, gradScale (SCALED), gradShift (SHIFTED) [samples + 1,
// columns]; columns in Reals; mask as in modulate.wgsl.
// Constants: as there, and LANES: invocations that share a column, of which WORKGROUP / LANES stand side by side. A
// sum's order is that of the lanes, of a lane that of the tokens.
// Dispatch: workgroups1d((samples + 1) chunks), `chunks` of columns.
#import activated
#import storage
#import thread
#import tokenMask

struct Params { samples: u32, tokens: u32, columns: u32, registers: u32, side: u32, chunks: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradY: array<Stored>;
#ifdef MASKED
@group(0) @binding(2) var<storage, read> mask: array<f32>;
#endif
#ifdef SCALED
@group(0) @binding(3) var<storage, read> x: array<Stored>;
@group(0) @binding(4) var<storage, read> scale: array<Stored>;
@group(0) @binding(5) var<storage, read_write> gradScale: array<Stored>;
#endif
#ifdef SHIFTED
@group(0) @binding(6) var<storage, read_write> gradShift: array<Stored>;
#endif

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
  let works = group <= params.samples && column < params.columns;
  let of_sample = group < params.samples;
  // Tokens of the group in a sample, and how many there are in all.
  let each = select(params.registers, params.tokens - params.registers, of_sample);
  let count = select(0u, select(params.samples * each, each, of_sample), works);
  var by_scale = Real();
  var by_shift = Real();
  for (var i = lane / ${COLUMNS}; i < count; i += LANES) {
    let inner = i / each;
    let sample = select(inner, group, of_sample);
    let token = select(i - inner * each, i + params.registers, of_sample);
    let row = sample * params.tokens + token;
    let gradient = Real(gradY[row * params.columns + column]) * mask_factor(row);
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
