// Bond-orientational order of each atom (Steinhardt, Nelson and Ronchetti 1983, doi 10.1103/PhysRevB.28.784), of the
// degrees l = 0 .. DEGREE:
//
//   q_l = sqrt(sum over m of (mean over its k edges of Y_lm(direction))^2)
//
// with real spherical harmonics whose squares add up to 2l + 1 over m. q_0 is 1; all are 0 where an atom has no edge.
//
// Y_lm and Y_l-m are the real and the imaginary part of (x + iy)^m times Q_lm(z), where for one order m after the other
//
//   Q_00 = 1,   Q_11 = sqrt(3),   Q_mm = sqrt((2m + 1) / 2m) Q_m-1m-1,   Q_lm = A z Q_l-1m - B Q_l-2m,
//   A^2 = (4 l^2 - 1) / (l^2 - m^2),   B = A sqrt(((l - 1)^2 - m^2) / (4 (l - 1)^2 - 1))
//
// which is stable for growing l. Sums are in the order of the slots.
//
// Bindings: edges [rows, slots] of (direction, length), directions of length 1; neighbourCounts [rows], how many slots
// are used; y [rows, DEGREE + 1]. One invocation per row.
// Constants: DEGREE. Dispatch: threads1d(rows).
#import thread

struct Params { rows: u32, slots: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> edges: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> neighbourCounts: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const LEAD_0 = 1.0;
const LEAD_1 = sqrt(3.0);
#for m in 2..DEGREE + 1
const LEAD_${m} = sqrt(${2 * m + 1}.0 / ${2 * m}.0) * LEAD_${m - 1};
#endfor

fn complex_product(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) num: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = linear_thread(wid, num, lane);
  if (row >= params.rows) {
    return;
  }
  let first = row * params.slots;
  let count = neighbourCounts[row];
#for l in 1..DEGREE + 1
  var square_${l} = 0.0;
#endfor
#for m in 0..DEGREE + 1
  {
#for l in m..DEGREE + 1
    var sum_${l} = vec2<f32>();
#endfor
    for (var slot = 0u; slot < count; slot++) {
      let r = edges[first + slot].xyz;
      var turn = vec2<f32>(1.0, 0.0);
#for k in 0..m
      turn = complex_product(turn, r.xy);
#endfor
      let q_${m} = f32(LEAD_${m});
      sum_${m} += q_${m} * turn;
#for l in m + 1..DEGREE + 1
#let A_TO = 4 * l * l - 1
#let A_OF = l * l - m * m
#let B_TO = A_TO * ((l - 1) * (l - 1) - m * m)
#let B_OF = A_OF * (4 * (l - 1) * (l - 1) - 1)
      let q_${l} = sqrt(${A_TO}.0 / ${A_OF}.0) * (r.z * q_${l - 1})
#if l > m + 1
        - sqrt(${B_TO}.0 / ${B_OF}.0) * q_${l - 2}
#endif
      ;
      sum_${l} += q_${l} * turn;
#endfor
    }
#for l in m..DEGREE + 1
#if l > 0
    square_${l} += dot(sum_${l}, sum_${l});
#endif
#endfor
  }
#endfor
  let at = row * (DEGREE + 1u);
  let edge_count = f32(max(count, 1u));
  y[at] = select(0.0, 1.0, count > 0u);
#for l in 1..DEGREE + 1
  y[at + ${l}u] = sqrt(square_${l}) / edge_count;
#endfor
}
