// Subgroup matrices of f16 whose products are summed in f32: result [M, N] += left [M, K] right [K, N].
//
// Constants: MATRIX_M, MATRIX_N, MATRIX_K, one of the adapter's shapes, whose sides are multiples of 8; SUBGROUP_SIZE,
// that of all its subgroups, of which the host makes workgroups.
//
// What is staged for them, and results on their way to memory, share one array of elements of 16 bytes: eight operands
// or four results. Matrices must begin at such an element, and so must their rows.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

alias Left = subgroup_matrix_left<f16, MATRIX_K, MATRIX_M>;
alias Right = subgroup_matrix_right<f16, MATRIX_N, MATRIX_K>;
alias Result = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;

fn packed(low: vec4<f16>, high: vec4<f16>) -> vec4<u32> {
  return vec4<u32>(bitcast<vec2<u32>>(low), bitcast<vec2<u32>>(high));
}
