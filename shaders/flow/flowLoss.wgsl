// The loss of flow matching of each chain, and its gradient:
//
//   w = 1 / (3 n ((1 - t)^2 + eps)),   losses = w sum over the residues of |x - targets|^2,
//   gradX = scale 2 w (x - targets), 0 for what is no residue
//
// with n the chain's residues and t its time.
//
// Bindings: x, targets, gradX f32 [chains, side, 3]; residues f32 [chains, side], 1 or 0; times, losses f32 [chains].
// Constants: WORKGROUP, invocations of a chain; a sum's order is theirs. SCALED: gradX is multiplied by the scale of
// scaling.wgsl too. Dispatch: workgroups1d(chains).
#import grid
#import scaling

struct Params { chains: u32, side: u32, eps: f32, scale: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read> residues: array<f32>;
@group(0) @binding(4) var<storage, read> times: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradX: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
#ifdef SCALED
@group(0) @binding(7) var<storage, read> scaling: Scaling;
#endif

// Of squares, and of residues.
var<workgroup> parts: array<vec2<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = linear_workgroup(wid, num);
  let tokens = select(0u, params.side, chain < params.chains);
  var own = vec2<f32>();
  for (var i = lane; i < tokens; i += WORKGROUP) {
    let at = chain * params.side + i;
    if (residues[at] == 0.0) {
      continue;
    }
    for (var a = 3u * at; a < 3u * at + 3u; a++) {
      let error = x[a] - targets[a];
      own.x += error * error;
    }
    own.y += 1.0;
  }
  parts[lane] = own;
  workgroupBarrier();
  var sum = vec2<f32>();
  for (var other = 0u; other < WORKGROUP; other++) {
    sum += parts[other];
  }
  let rest = 1.0 - times[min(chain, params.chains - 1u)];
  let weight = 1.0 / (3.0 * sum.y * (rest * rest + params.eps));
#ifdef SCALED
  let gradient_scale = params.scale * scaling.scale;
#else
  let gradient_scale = params.scale;
#endif
  for (var i = lane; i < tokens; i += WORKGROUP) {
    let at = chain * params.side + i;
    for (var a = 3u * at; a < 3u * at + 3u; a++) {
      gradX[a] = select(gradient_scale * (2.0 * weight) * (x[a] - targets[a]), 0.0, residues[at] == 0.0);
    }
  }
  if (lane == 0u && tokens > 0u) {
    losses[chain] = weight * sum.x;
  }
}
