// As storage.wgsl, for shaders whose operands differ: StoredX is f16 with X_F16, StoredY with Y_F16. What a network
// takes and gives is f32, what lies between may be f16.
#import real

#ifdef X_F16
enable f16;
#ifdef VEC4
alias StoredX = vec4<f16>;
#else
alias StoredX = f16;
#endif
#else
alias StoredX = Real;
#endif

#ifdef Y_F16
enable f16;
#ifdef VEC4
alias StoredY = vec4<f16>;
#else
alias StoredY = f16;
#endif
#else
alias StoredY = Real;
#endif
