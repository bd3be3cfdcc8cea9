// Chains moved so that the mean of their residues is 0: y = x - mean over the residues, 0 for what is no residue. The
// map is its own adjoint.
//
// Bindings: x, y f32 [chains, side, 3]; residues f32 [chains, side], 1 or 0.
// Constants: WORKGROUP, invocations of a chain; a sum's order is theirs. Dispatch: workgroups1d(chains).
#import grid

struct Params { chains: u32, side: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> residues: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// Of coordinates, and of residues.
var<workgroup> parts: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let chain = linear_workgroup(wid, num);
  let tokens = select(0u, params.side, chain < params.chains);
  var own = vec4<f32>();
  for (var i = lane; i < tokens; i += WORKGROUP) {
    let at = chain * params.side + i;
    if (residues[at] != 0.0) {
      own += vec4<f32>(x[3u * at], x[3u * at + 1u], x[3u * at + 2u], 1.0);
    }
  }
  parts[lane] = own;
  workgroupBarrier();
  var sum = vec4<f32>();
  for (var other = 0u; other < WORKGROUP; other++) {
    sum += parts[other];
  }
  let mean = sum.xyz / max(sum.w, 1.0);
  for (var i = lane; i < tokens; i += WORKGROUP) {
    let at = chain * params.side + i;
    let is_residue = residues[at] != 0.0;
#for a in 0..3
    y[3u * at + ${a}u] = select(0.0, x[3u * at + ${a}u] - mean[${a}], is_residue);
#endfor
  }
}
