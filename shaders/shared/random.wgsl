// Uniform and normal numbers from random bits. WGSL promises sin and cos only to 2^-11 absolute and leaves log loose
// near 1, so all three are written out here, accurate to a few ulp: the same bits give the same numbers on every
// adapter up to rounding (a driver may still fuse multiplications and additions).
#import philox

// A uniform number in (0, 1): the odd multiples of 2^-24. All of them are exact in f32, symmetric about 1/2, and
// neither 0 nor 1 occurs.
fn uniform_from_bits(bits: u32) -> f32 {
  return f32((bits >> 8u) | 1u) * 0x1p-24f;
}

// Natural logarithm of a positive normal number: x = 2^e m with sqrt(1/2) <= m < sqrt(2), and
// log m = 2 atanh((m - 1) / (m + 1)) by its series, whose first omitted term is below 3e-9 of the sum.
fn natural_log(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = bitcast<i32>(bits - 0x3F3504F3u) >> 23u;
  let m = bitcast<f32>(bits - (bitcast<u32>(exponent) << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let tail = z * (2.0 / 3.0 + z * (2.0 / 5.0 + z * (2.0 / 7.0 + z * (2.0 / 9.0))));
  let log_m = s * (2.0 + tail);
  // log 2 = 355/512 - 2.1219444e-4; the first product is exact, as 355/512 has few bits.
  let e = f32(exponent);
  return e * 0.693359375 + (log_m - e * 2.12194440054690583e-4);
}

// (cos, sin) of the angle 2 pi (64 floor(bits / 64) + 32) / 2^32: the upper 26 bits, in the middle of their interval.
// The quadrant is taken off in integers, so no argument reduction rounds; the rest is Taylor's series for |x| < pi/4,
// cut where a term is below 2e-9.
fn unit_circle(bits: u32) -> vec2<f32> {
  let quadrant = (bits + 0x20000000u) >> 30u;
  let rest = bitcast<i32>(bits << 2u) >> 8u;
  let x = (f32(rest) + 0.5) * (1.57079632679489662 * 0x1p-24f);
  let z = x * x;
  let s = x + x * z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0 + z * (1.0 / 362880.0))));
  let c = 1.0 - z * (0.5 - z * (1.0 / 24.0 - z * (1.0 / 720.0 - z * (1.0 / 40320.0 - z * (1.0 / 3628800.0)))));
  let swapped = select(vec2<f32>(c, s), vec2<f32>(-s, c), (quadrant & 1u) == 1u);
  return select(swapped, -swapped, quadrant >= 2u);
}

// Two independent standard normal numbers from 64 random bits, by Box and Muller (1958).
fn normal_pair(bits: vec2<u32>) -> vec2<f32> {
  return sqrt(-2.0 * natural_log(uniform_from_bits(bits.x))) * unit_circle(bits.y);
}

fn normals_from_bits(bits: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(normal_pair(bits.xy), normal_pair(bits.zw));
}

fn uniforms_from_bits(bits: vec4<u32>) -> vec4<f32> {
  return vec4<f32>(
    uniform_from_bits(bits.x),
    uniform_from_bits(bits.y),
    uniform_from_bits(bits.z),
    uniform_from_bits(bits.w),
  );
}
