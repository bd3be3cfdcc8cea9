// One number as storage.wgsl's tensors are stored, where others are loaded four at a time.
#ifdef F16
enable f16;
alias StoredNumber = f16;
#else
alias StoredNumber = f32;
#endif
