// Where a flow's paths end, from a place and a velocity: y = residues (x + (1 - t) velocity), t the chain's time. With
// GRAD the gradient, gradVelocity = residues (1 - t) gradY.
//
// Bindings: x, velocity, y, gradY, gradVelocity f32 [chains, copies, side, 3], `perChain` numbers of a copy; residues
// f32 [chains, side]; times f32 [chains].
// Constants: GRAD. Dispatch: x, y: threads1d(chains perChain), z: copies.
#import thread

struct Params { chains: u32, copies: u32, perChain: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> residues: array<f32>;
@group(0) @binding(2) var<storage, read> times: array<f32>;
#ifdef GRAD
@group(0) @binding(3) var<storage, read> gradY: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradVelocity: array<f32>;
#else
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> velocity: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
#endif

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let of_chain = linear_thread(wid, num, lane);
  if (of_chain >= params.chains * params.perChain) {
    return;
  }
  let chain = of_chain / params.perChain;
  let at = of_chain + (chain * (params.copies - 1u) + wid.z) * params.perChain;
  let rest = 1.0 - times[chain];
#ifdef GRAD
  gradVelocity[at] = residues[of_chain / 3u] * (rest * gradY[at]);
#else
  y[at] = residues[of_chain / 3u] * (x[at] + rest * velocity[at]);
#endif
}
