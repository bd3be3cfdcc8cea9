// The gradient of neighbourAttention.wgsl with respect to keys and values, after neighbourAttentionGradQuery.wgsl:
//
//   gradK[k] = scale sum over j of gradLogit[j, k] q[j],   gradV[k] = sum over j of p[j, k] gradY[j]
//
// DROPOUT: gradV is with what is left of p.
//
// Bindings: gradY [atoms, slots, width]; logSumExp, rowDots [atoms, slots, heads]; gradQkv as qkv, whose keys and
// values are written (0 in free slots).
#import neighbourAttention
#import nan

@group(0) @binding(4) var<storage, read> gradY: array<Stored>;
@group(0) @binding(5) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(6) var<storage, read> rowDots: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradQkv: array<Stored>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = place_of(linear_thread(wid, num, lane));
  if (place.atom >= params.atoms) {
    return;
  }
  let first_edge = place.atom * params.slots;
#for k in 0..BLOCK
  let slot_${k} = min(place.block + ${k}u, params.slots - 1u);
  let edge_${k} = edges[first_edge + slot_${k}];
  let in_use_${k} = edge_${k}.w > 0.0;
  let direction_${k} = edge_${k}.xyz * bias[0];
  let key_${k} = query_at(place, slot_${k}) + width();
#for c in 0..VECTORS
  let k_${k}_${c} = Real(qkv[key_${k} + ${c}u]);
  let v_${k}_${c} = Real(qkv[key_${k} + width() + ${c}u]);
  var grad_k_${k}_${c} = Real();
  var grad_v_${k}_${c} = Real();
#endfor
#endfor
  for (var j = 0u; j < params.slots; j++) {
    let edge = edges[first_edge + j];
    if (edge.w <= 0.0) {
      break;
    }
    let query = query_at(place, j);
    let out = output_at(place, j);
    let state = (first_edge + j) * params.heads + place.head;
    let log = logSumExp[state];
    let row_dot = rowDots[state];
#for c in 0..VECTORS
    let q_${c} = Real(qkv[query + ${c}u]) * params.scale;
    let g_${c} = Real(gradY[out + ${c}u]);
#endfor
#for k in 0..BLOCK
    var logit_${k} = dot(direction_${k}, edge.xyz);
    var grad_p_${k} = 0.0;
#for c in 0..VECTORS
    logit_${k} += dot(q_${c}, k_${k}_${c});
    grad_p_${k} += dot(g_${c}, v_${k}_${c});
#endfor
    let p_${k} = select(0.0, exp_or_nan(logit_${k} - log), in_use_${k});
#ifdef DROPOUT
    let kept_${k} = kept_of(place, j, slot_${k} >> 2u)[slot_${k} & 3u];
    grad_p_${k} *= kept_${k};
    let left_${k} = p_${k} * kept_${k};
#else
    let left_${k} = p_${k};
#endif
    let grad_logit_${k} = select(0.0, p_${k} * (grad_p_${k} - row_dot), in_use_${k});
#for c in 0..VECTORS
    grad_k_${k}_${c} += grad_logit_${k} * q_${c};
    grad_v_${k}_${c} += left_${k} * g_${c};
#endfor
#endfor
  }
#for k in 0..BLOCK
  if (place.block + ${k}u < params.slots) {
#for c in 0..VECTORS
    gradQkv[key_${k} + ${c}u] = Stored(grad_k_${k}_${c});
    gradQkv[key_${k} + width() + ${c}u] = Stored(grad_v_${k}_${c});
#endfor
  }
#endfor
}
