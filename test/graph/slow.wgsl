// y = x + 1 after work that nobody asked for: a kernel that is slow on purpose, for the profiler to find.
struct Params {
  count: u32,
  rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.count) {
    return;
  }
  var a = x[id.x];
  for (var i = 0u; i < params.rounds; i++) {
    a = fract(a * 1.7 + sin(a));
  }
  y[id.x] = select(x[id.x] + 1.0, a, a > 2.0);
}
