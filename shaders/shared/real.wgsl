// What one thread works on at a time: four consecutive floats where the host guarantees that counts along the innermost
// dimension are multiples of four (constant VEC4), else one.
#ifdef VEC4
alias Real = vec4<f32>;
#else
alias Real = f32;
#endif
