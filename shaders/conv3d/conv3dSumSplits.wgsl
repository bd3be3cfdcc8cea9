// Second pass of conv3dTiled.wgsl and conv3dSubgroupMatrix.wgsl where they cut the input channels into splits: adds
// these in their order, with bias and residual,
//
//   y[v, c] = sum over splits s of partial[s, v, c] + bias[c] + addend[v, c]
//
// Bindings: partial [splits, elements], bias [channels] and addend [elements] (read only where hasBias, hasAddend are
// 1), y [elements].
// F16: addend and y are stored in half precision.
// Dispatch: threads1d(elements).
#import thread
#import storage

struct Params {
  splits: u32,
  elements: u32,
  channels: u32,
  hasBias: u32,
  hasAddend: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> addend: array<Stored>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = linear_thread(wid, num, lane);
  if (at >= params.elements) {
    return;
  }
  var sum = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    sum += partial[split * params.elements + at];
  }
  if (params.hasBias != 0u) {
    sum += bias[at % params.channels];
  }
  if (params.hasAddend != 0u) {
    sum += f32(addend[at]);
  }
  y[at] = Stored(sum);
}
