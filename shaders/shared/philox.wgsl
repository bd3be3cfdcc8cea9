// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as
// 1, 2, 3" (SC11, 2011). 128 bits of counter and 64 bits of key give 128 random bits; nothing is carried from one call
// to the next, so a value depends only on its counter and key, however the work is cut.

const PHILOX_M0: u32 = 0xD2511F53u;
const PHILOX_M1: u32 = 0xCD9E8D57u;
const PHILOX_W0: u32 = 0x9E3779B9u;
const PHILOX_W1: u32 = 0xBB67AE85u;

// The upper 32 bits of a * b. WGSL has no 64-bit integers, hence the 16-bit halves; no sum below can overflow.
fn mul_high(a: u32, b: u32) -> u32 {
  let a_lo = a & 0xFFFFu;
  let a_hi = a >> 16u;
  let b_lo = b & 0xFFFFu;
  let b_hi = b >> 16u;
  let middle = a_hi * b_lo + ((a_lo * b_lo) >> 16u);
  let carry = a_lo * b_hi + (middle & 0xFFFFu);
  return a_hi * b_hi + (middle >> 16u) + (carry >> 16u);
}

fn philox_round(c: vec4<u32>, k: vec2<u32>) -> vec4<u32> {
  return vec4<u32>(
    mul_high(PHILOX_M1, c.z) ^ c.y ^ k.x,
    PHILOX_M1 * c.z,
    mul_high(PHILOX_M0, c.x) ^ c.w ^ k.y,
    PHILOX_M0 * c.x,
  );
}

fn philox4x32(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  let bump = vec2<u32>(PHILOX_W0, PHILOX_W1);
  var c = philox_round(counter, key);
  var k = key;
  for (var round = 1u; round < 10u; round++) {
    k += bump;
    c = philox_round(c, k);
  }
  return c;
}
