// The gradient of neighbourAttention.wgsl with respect to queries and bias: with D[j] = gradY[j] . y[j]
//
//   gradLogit[j, k] = p[j, k] (gradY[j] . v[k] - D[j]),   gradQ[j] = scale sum over k of gradLogit[j, k] k[k],
//   gradBias = sum over all of gradLogit[j, k] d[j] . d[k]
//
// DROPOUT: what is left of p, over p, multiplies gradY[j] . v[k].
//
// Bindings: gradY [atoms, slots, width]; logSumExp of the forward pass and rowDots, D, [atoms, slots, heads]; gradQkv
// as qkv, whose queries are written (0 in free slots); partials [threads]: gradBias of a thread, written.
#import neighbourAttention
#import nan

@group(0) @binding(4) var<storage, read> gradY: array<Stored>;
@group(0) @binding(5) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(6) var<storage, read> rowDots: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradQkv: array<Stored>;
@group(0) @binding(8) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let thread = linear_thread(wid, num, lane);
  let place = place_of(thread);
  if (place.atom >= params.atoms) {
    return;
  }
  let first_edge = place.atom * params.slots;
  var grad_bias = 0.0;
#for j in 0..BLOCK
  let slot_${j} = min(place.block + ${j}u, params.slots - 1u);
  let edge_${j} = edges[first_edge + slot_${j}];
  // Slots that stick out count for nothing.
  let in_use_${j} = edge_${j}.w > 0.0 && place.block + ${j}u < params.slots;
  let direction_${j} = edge_${j}.xyz;
  let query_${j} = query_at(place, slot_${j});
  let out_${j} = output_at(place, slot_${j});
  let state_${j} = (first_edge + slot_${j}) * params.heads + place.head;
  let log_${j} = logSumExp[state_${j}];
  let row_dot_${j} = rowDots[state_${j}];
#for c in 0..VECTORS
  let q_${j}_${c} = Real(qkv[query_${j} + ${c}u]) * params.scale;
  let g_${j}_${c} = Real(gradY[out_${j} + ${c}u]);
  var sum_${j}_${c} = Real();
#endfor
#ifdef DROPOUT
  var kept_${j} = vec4<f32>();
#endif
#endfor
  for (var k = 0u; k < params.slots; k++) {
    let edge = edges[first_edge + k];
    if (edge.w <= 0.0) {
      break;
    }
    let key = query_at(place, k) + width();
#for c in 0..VECTORS
    let k_${c} = Real(qkv[key + ${c}u]);
    let v_${c} = Real(qkv[key + width() + ${c}u]);
#endfor
#ifdef DROPOUT
    if ((k & 3u) == 0u) {
#for j in 0..BLOCK
      kept_${j} = kept_of(place, slot_${j}, k >> 2u);
#endfor
    }
#endif
#for j in 0..BLOCK
    let angle_${j} = dot(direction_${j}, edge.xyz);
    var logit_${j} = bias[0] * angle_${j};
    var grad_p_${j} = 0.0;
#for c in 0..VECTORS
    logit_${j} += dot(q_${j}_${c}, k_${c});
    grad_p_${j} += dot(g_${j}_${c}, v_${c});
#endfor
#ifdef DROPOUT
    grad_p_${j} *= kept_${j}[k & 3u];
#endif
    let p_${j} = exp_or_nan(logit_${j} - log_${j});
    let grad_logit_${j} = select(0.0, p_${j} * (grad_p_${j} - row_dot_${j}), in_use_${j});
    grad_bias += grad_logit_${j} * angle_${j};
#for c in 0..VECTORS
    sum_${j}_${c} += grad_logit_${j} * k_${c};
#endfor
#endfor
  }
#for j in 0..BLOCK
  if (place.block + ${j}u < params.slots) {
#for c in 0..VECTORS
    gradQkv[query_${j} + ${c}u] = Stored(params.scale * sum_${j}_${c});
#endfor
  }
#endfor
  partials[thread] = grad_bias;
}
