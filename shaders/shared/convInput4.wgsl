// The input x [N, D, H, W, Ci] of a convolution, four channels at a time. VEC4: Ci is a multiple of 4. X_F16: it is
// stored in half precision. The shader has params.inC.
#import storagePair

@group(0) @binding(1) var<storage, read> x: array<StoredX>;

#ifdef VEC4
alias StoredX4 = StoredX;
#else
alias StoredX4 = vec4<StoredX>;
#endif

// Four channels from ci on, at a voxel that is inside, as they are stored; 0 beyond Ci.
fn load_x(voxel: i32, ci: i32) -> StoredX4 {
  let at = voxel * params.inC + ci;
#ifdef VEC4
  return x[u32(at / 4)];
#else
  var value = StoredX4();
#for m in 0..4
  if (ci + ${m} < params.inC) {
    value[${m}] = x[u32(at + ${m})];
  }
#endfor
  return value;
#endif
}
