// What changes from one replay of a plan to the next; written by the host before the replay (src/graph/stepUniform.ts).
struct Step {
  seedLo: u32,
  seedHi: u32,
  step: u32,         // counter of the random numbers; the number of finished updates
  sample: u32,       // index of the first sample of the batch
  lr: f32,
  correction1: f32,  // 1 - beta1^t, t = step + 1
  correction2: f32,  // 1 - beta2^t
  emaDecay: f32,
}
