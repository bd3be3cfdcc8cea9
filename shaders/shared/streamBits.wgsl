#import step
#import philox

// 128 random bits, number i of sample n of the batch in a stream of numbers. The shader has the uniform `step`.
fn stream_bits(i: u32, stream: u32, n: u32) -> vec4<u32> {
  let counter = vec4<u32>(i, stream, step.step, step.sample + n);
  return philox4x32(counter, vec2<u32>(step.seedLo, step.seedHi));
}
