#import real

// Channels of a Real, and one channel of the Real that it lies in, which is that of channel / UNIT.
#ifdef VEC4
const UNIT = 4u;

fn channel_of(values: vec4<f32>, channel: u32) -> f32 {
  return values[channel % 4u];
}
#else
const UNIT = 1u;

fn channel_of(value: f32, channel: u32) -> f32 {
  return value;
}
#endif
