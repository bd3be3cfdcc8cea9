// The gradient of segmentMean.wgsl:
//
//   gradX[g, s] = gradY[g] / (counts[g] + eps) for s < counts[g], else 0      (gradY[g] with SUM)
//
// Bindings: gradY [segments, columns], counts [segments], gradX [segments, slots, columns], addend (ADDEND), as gradX
// and added to it; columns in Reals. One thread an element of gradX.
// Constants: SUM; ADDEND; VEC4: the columns are a multiple of 4; F16: all but the counts are in half precision.
// Dispatch: threads1d(segments slots columns).
#import thread
#import storage

struct Params { segments: u32, slots: u32, columns: u32, eps: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradY: array<Stored>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> gradX: array<Stored>;
#ifdef ADDEND
@group(0) @binding(4) var<storage, read> addend: array<Stored>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  let row = at / params.columns;
  let segment = row / params.slots;
  if (segment >= params.segments) {
    return;
  }
  let count = counts[segment];
  var gradient = Real();
  if (row - segment * params.slots < count) {
    gradient = Real(gradY[segment * params.columns + at - row * params.columns]);
#ifndef SUM
    gradient /= max(f32(count) + params.eps, 1e-5);
#endif
  }
#ifdef ADDEND
  gradient += Real(addend[at]);
#endif
  gradX[at] = Stored(gradient);
}
