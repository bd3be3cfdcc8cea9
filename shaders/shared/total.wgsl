#import real

// The sum of a Real's floats.
fn total(value: Real) -> f32 {
#ifdef VEC4
  return (value.x + value.y) + (value.z + value.w);
#else
  return value;
#endif
}
