// What activations and their gradients are stored as: f16 with the constant F16, else f32; four at a time with VEC4.
// Shaders compute in Real: they load Real(x[i]) and store y[i] = Stored(value), which are no code where nothing is to
// be converted.
#import real

#ifdef F16
enable f16;
#ifdef VEC4
alias Stored = vec4<f16>;
#else
alias Stored = f16;
#endif
#else
alias Stored = Real;
#endif
