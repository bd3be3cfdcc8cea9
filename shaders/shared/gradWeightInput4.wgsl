// The operands of weight gradients that go by four channels (conv3dGradWeightTiled.wgsl,
// conv3dGradWeightSubgroupMatrix.wgsl): x as shared/convInput4.wgsl has it, and gradY [N, Do, Ho, Wo, Co].
//
// Constants: VEC4: Ci and Co are multiples of 4. X_F16, Y_F16: x, gradY are stored in half precision.
#import convInput4

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> gradY: array<StoredY>;

#ifdef VEC4
alias StoredY4 = StoredY;
#else
alias StoredY4 = vec4<StoredY>;
#endif

// Four channels of gradY from co on, at a voxel that is inside, as they are stored; 0 beyond Co.
fn load_gradient(voxel: i32, co: i32) -> StoredY4 {
  let at = voxel * params.outC + co;
#ifdef VEC4
  return gradY[u32(at / 4)];
#else
  var value = StoredY4();
#for m in 0..4
  if (co + ${m} < params.outC) {
    value[${m}] = gradY[u32(at + ${m})];
  }
#endfor
  return value;
#endif
}
