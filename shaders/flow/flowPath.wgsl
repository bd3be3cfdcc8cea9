// Points of straight paths from noise to data:
//
//   x = (1 - t) noise + t targets,   noise ~ N(0, 1) less its mean over the chain's residues
//
// with t the chain's time; 0 for what is no residue.
//
// Bindings: step (uniform); targets, x f32 [chains, side, 3]; residues f32 [chains, side], 1 or 0; times f32 [chains].
// The normal numbers of token registers + i are those of counter (i, stream, step.step, step.sample + chain).
// Constants: WORKGROUP, invocations of a chain; a sum's order is theirs. Dispatch: workgroups1d(chains).
#import grid
#import streamBits
#import random

struct Params { chains: u32, side: u32, registers: u32, stream: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read> residues: array<f32>;
@group(0) @binding(4) var<storage, read> times: array<f32>;
@group(0) @binding(5) var<storage, read_write> x: array<f32>;

// Of noise, and of residues.
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
  for (var token = lane; token < tokens; token += WORKGROUP) {
    let at = chain * params.side + token;
    var noise = vec3<f32>();
    if (residues[at] != 0.0) {
      noise = normals_from_bits(stream_bits(token - params.registers, params.stream, chain)).xyz;
      own += vec4<f32>(noise, 1.0);
    }
    // Kept for the second pass: the same invocation reads it there.
#for a in 0..3
    x[3u * at + ${a}u] = noise[${a}];
#endfor
  }
  parts[lane] = own;
  workgroupBarrier();
  var sum = vec4<f32>();
  for (var other = 0u; other < WORKGROUP; other++) {
    sum += parts[other];
  }
  let mean = sum.xyz / max(sum.w, 1.0);
  let t = times[min(chain, params.chains - 1u)];
  for (var token = lane; token < tokens; token += WORKGROUP) {
    let at = chain * params.side + token;
    if (residues[at] != 0.0) {
#for a in 0..3
      x[3u * at + ${a}u] = (1.0 - t) * (x[3u * at + ${a}u] - mean[${a}]) + t * targets[3u * at + ${a}u];
#endfor
    }
  }
}
