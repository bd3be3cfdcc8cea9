import { BufferUsage, type Compilers, type Gpu } from "./gpu.ts";
import type { ShaderVariant } from "./pipelines.ts";

/** A pipeline of middling length takes less where the driver's cache has it, some 2 ms, and more where it has not. */
const COLD_MS = 30;

/** Bytes of buffers that pipelines are shown to the driver with; more than any `Params`, and a tensor's element. */
const SHOWN_BYTES = 1024;

/**
 * Has the driver compile pipelines that it would compile when they first run, one after the other on one thread
 * (lavapipe). Where its cache on disk does not have them, `gpu.compilers` take their share: what those compiled, the
 * device finds in the cache. Does nothing without them, and for pipelines seen before.
 */
export async function warmUp(gpu: Gpu, variants: readonly ShaderVariant[], coldMs = COLD_MS): Promise<void> {
  const { compilers } = gpu;
  const { warm } = gpu.pipelines;
  if (!compilers) return;
  // The longest first, so that all end at about the same time; before them one that tells whether they are cached.
  const waiting = variants.filter(({ key }) => !warm.has(key)).sort((a, b) => b.code.length - a.code.length);
  for (const { key } of waiting) warm.add(key);
  const [first] = waiting.splice(Math.floor(waiting.length / 2), 1);
  if (!first) return;
  const begin = performance.now();
  await show(gpu, first);
  const isCold = performance.now() - begin >= coldMs;
  // Never more devices than would have something to do.
  const helpers = isCold ? Math.min(compilers.count, waiting.length - 1) : 0;
  // What a helper fails at, the device compiles itself when it first runs.
  const helping = Promise.allSettled(Array.from({ length: helpers }, () => help(compilers, waiting)));
  try {
    await showAll(gpu, waiting);
  } finally {
    await helping;
  }
}

async function help(compilers: Compilers, waiting: ShaderVariant[]): Promise<void> {
  const gpu = await compilers.open();
  try {
    await showAll(gpu, waiting);
  } finally {
    gpu.destroy();
  }
}

async function showAll(gpu: Gpu, waiting: ShaderVariant[]): Promise<void> {
  for (let variant = waiting.shift(); variant; variant = waiting.shift()) await show(gpu, variant);
}

/**
 * Dispatches no workgroup at all: the driver compiles, and nothing runs. By a buffer, since Dawn leaves out dispatches
 * that it knows to be empty.
 */
async function show(gpu: Gpu, variant: ShaderVariant): Promise<void> {
  const { pipeline, layout, reflection } = await gpu.pipelines.get(variant);
  const made = reflection.bindings.map(({ space }) =>
    gpu.createBuffer("shown", SHOWN_BYTES, space === "uniform" ? BufferUsage.UNIFORM : BufferUsage.STORAGE),
  );
  const workgroups = gpu.createBuffer("no workgroups", 12, BufferUsage.INDIRECT);
  try {
    const entries = reflection.bindings.map(({ binding }, i) => ({ binding, resource: { buffer: made[i]! } }));
    const encoder = gpu.device.createCommandEncoder({ label: "warm-up" });
    const pass = encoder.beginComputePass({ label: "warm-up" });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.device.createBindGroup({ label: "warm-up", layout, entries }));
    pass.dispatchWorkgroupsIndirect(workgroups, 0);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.finish();
  } finally {
    for (const buffer of [...made, workgroups]) gpu.destroyBuffer(buffer);
  }
}
