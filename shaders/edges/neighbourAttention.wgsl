// Attention among the slots of neighbour lists (shared/neighbourAttention.wgsl), in one pass over the keys: a running
// maximum, sum and result (online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867).
//
// Bindings: y [atoms, slots, width] and logSumExp [atoms, slots, heads], written; in free slots they are 0.
#import neighbourAttention
#import nan

@group(0) @binding(4) var<storage, read_write> y: array<Stored>;
@group(0) @binding(5) var<storage, read_write> logSumExp: array<f32>;

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
#for j in 0..BLOCK
  // Slots that stick out read the last one again.
  let slot_${j} = min(place.block + ${j}u, params.slots - 1u);
  let edge_${j} = edges[first_edge + slot_${j}];
  let in_use_${j} = edge_${j}.w > 0.0;
  let direction_${j} = edge_${j}.xyz * bias[0];
  let query_${j} = query_at(place, slot_${j});
#for c in 0..VECTORS
  let q_${j}_${c} = Real(qkv[query_${j} + ${c}u]) * params.scale;
  var sum_${j}_${c} = Real();
#endfor
#ifdef DROPOUT
  var kept_${j} = vec4<f32>();
#endif
  var largest_${j} = -3.4e38;
  var total_${j} = 0.0;
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
    var logit_${j} = dot(direction_${j}, edge.xyz);
#for c in 0..VECTORS
    logit_${j} += dot(q_${j}_${c}, k_${c});
#endfor
    let larger_${j} = max(largest_${j}, logit_${j});
    let shrink_${j} = exp_or_nan(largest_${j} - larger_${j});
    let weight_${j} = exp_or_nan(logit_${j} - larger_${j});
    largest_${j} = larger_${j};
    total_${j} = total_${j} * shrink_${j} + weight_${j};
#ifdef DROPOUT
    let left_${j} = weight_${j} * kept_${j}[k & 3u];
#else
    let left_${j} = weight_${j};
#endif
#for c in 0..VECTORS
    sum_${j}_${c} = sum_${j}_${c} * shrink_${j} + left_${j} * v_${c};
#endfor
#endfor
  }
#for j in 0..BLOCK
  if (place.block + ${j}u < params.slots) {
      let at_${j} = output_at(place, slot_${j});
#for c in 0..VECTORS
    y[at_${j} + ${c}u] = Stored(select(Real(), sum_${j}_${c} / total_${j}, in_use_${j}));
#endfor
    let log_${j} = largest_${j} + log_or_nan(total_${j});
    logSumExp[(first_edge + slot_${j}) * params.heads + place.head] = select(0.0, log_${j}, in_use_${j});
  }
#endfor
}
