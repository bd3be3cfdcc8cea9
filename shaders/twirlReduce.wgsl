// First pass of the per-sample sums over voxels and channels: |mean - target|^2, sum of m2, |target|^2.
// Bindings: mean, m2, target [samples, elements]; partial [samples, threads] of (the three sums, 0).
// Thread t of a sample takes elements t, t + threads, t + 2 threads, ... in this order; twirlSum.wgsl adds the threads.
// Workgroups: ceil(samples * threads / 64), folded.
#import grid

struct Params {
  samples: u32,
  elements: u32,
  threads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> m2: array<f32>;
@group(0) @binding(3) var<storage, read> targetGrid: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_workgroup(wid, num) * 64u + lane;
  let n = index / params.threads;
  if (n >= params.samples) {
    return;
  }
  let base = n * params.elements;
  var sums = vec4<f32>(0.0);
  for (var e = index - n * params.threads; e < params.elements; e += params.threads) {
    let wanted = targetGrid[base + e];
    let off = mean[base + e] - wanted;
    sums += vec4<f32>(off * off, m2[base + e], wanted * wanted, 0.0);
  }
  partial[index] = sums;
}
