// Second pass of the global gradient norm: norm[0] = sqrt(sum of all partial sums), in a fixed order.
//
// partial  f32[count]
// norm     f32[1]; SCALED: of the gradient before it was scaled up
// Dispatch: one workgroup, WORKGROUP a power of two. A tree over workgroup memory is slow on software adapters, but there is only one.
#import scaling

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;
#ifdef SCALED
@group(0) @binding(3) var<storage, read> scaling: Scaling;
#endif

var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.count; i += WORKGROUP) {
    sum += partial[i];
  }
  sums[lane] = sum;
  for (var width = WORKGROUP / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) {
      sums[lane] += sums[lane + width];
    }
  }
  if (lane == 0u) {
#ifdef SCALED
    norm[0] = sqrt(sums[0]) / scaling.scale;
#else
    norm[0] = sqrt(sums[0]);
#endif
  }
}
