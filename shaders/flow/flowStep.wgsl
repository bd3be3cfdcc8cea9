// A step of chains along a flow's paths, and where the paths start:
//
//   value = p x + q endpoints + r n,   of START value = n,   n ~ N(0, 1),
//   y = value - mean of the values over the residues, 0 for what is no residue
//
// with p, q and r the `coefficients`. Noise belongs to a chain's number, however chains are cut into batches: the three
// numbers of token i are the first of one Philox call,
//   counter = (i, stream, step.step, step.sample + numbers[chain]), key = (seedLo, seedHi).
//
// Bindings: x, endpoints, y f32 [chains, side, 3]; residues f32 [chains, side], 1 or 0; numbers u32 [chains];
// coefficients f32 [3]; step (uniform).
// Constants: START (neither x, endpoints nor coefficients are bound); WORKGROUP, invocations of a chain; a sum's order
// is theirs. Dispatch: workgroups1d(chains).
#import grid
#import streamBits
#import random

struct Params { chains: u32, side: u32, stream: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> residues: array<f32>;
@group(0) @binding(3) var<storage, read> numbers: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
#ifndef START
@group(0) @binding(5) var<storage, read> coefficients: array<f32>;
@group(0) @binding(6) var<storage, read> x: array<f32>;
@group(0) @binding(7) var<storage, read> endpoints: array<f32>;
#endif

// Of values, and of residues.
var<workgroup> parts: array<vec4<f32>, WORKGROUP>;

// Before the mean is taken off.
fn value_of(chain: u32, i: u32) -> vec3<f32> {
  let noise = normals_from_bits(stream_bits(i, params.stream, numbers[chain])).xyz;
#ifdef START
  return noise;
#else
  let at = 3u * (chain * params.side + i);
  let here = vec3<f32>(x[at], x[at + 1u], x[at + 2u]);
  let end = vec3<f32>(endpoints[at], endpoints[at + 1u], endpoints[at + 2u]);
  return coefficients[0] * here + coefficients[1] * end + coefficients[2] * noise;
#endif
}

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
    if (residues[chain * params.side + i] != 0.0) {
      own += vec4<f32>(value_of(chain, i), 1.0);
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
    var value = vec3<f32>();
    if (residues[at] != 0.0) {
      value = value_of(chain, i) - mean;
    }
#for a in 0..3
    y[3u * at + ${a}u] = value[${a}];
#endfor
  }
}
