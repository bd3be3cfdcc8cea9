// The loss scaling of half precision (src/training/lossScaling.ts): gradients are scaled up, so that small ones do not
// vanish in f16, and down again where the parameters' gradients are used.
struct Scaling {
  scale: f32,        // of the next step's gradients; a power of two
  good: f32,         // steps since it changed
  skipped: f32,      // steps left out so far, as their gradients overflowed
  unscale: f32,      // 1 / the scale of the gradients of this step
  correction1: f32,  // 1 - beta1^t after t updates; steps left out are none
  correction2: f32,  // 1 - beta2^t
}
