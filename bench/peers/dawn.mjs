// Dawn for engines that expect a browser: `navigator.gpu` from the npm package webgpu, with the flags and the nap
// that our own host uses (src/node/dawn.ts, src/node/nap.ts).
const FLAGS = [
  "disable-dawn-features=timestamp_quantization",
  "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia",
];

// Dawn dies at random when this is collected while a device lives.
let kept;

/** Defines `navigator.gpu` and WebGPU's global names; `adapter` is part of an adapter's name, "" for the default. */
export async function openDawn(adapter) {
  const { create, globals } = await import("webgpu");
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const gpu = create(adapter ? [...FLAGS, `adapter=${adapter}`] : FLAGS);
  globalThis[Symbol.for("voxtwirl.peers.dawn")] = kept = gpu;
  if (!globalThis.navigator) {
    Object.defineProperty(globalThis, "navigator", {
      value: { userAgent: "Node.js" },
      configurable: true,
      writable: true,
    });
  }
  Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
  napIn(globals.GPUQueue?.prototype, ["onSubmittedWorkDone"]);
  napIn(globals.GPUBuffer?.prototype, ["mapAsync"]);
  napIn(globals.GPUDevice?.prototype, ["popErrorScope", "createComputePipelineAsync"]);
  return gpu;
}

function napIn(prototype, names) {
  for (const name of names) {
    const original = prototype?.[name];
    if (typeof original !== "function") throw new Error(`the npm package webgpu has no ${name}`);
    prototype[name] = function (...args) {
      return withNap(original.apply(this, args));
    };
  }
}

const cell = new Int32Array(new SharedArrayBuffer(4));
let pending = 0;
let since = 0;
let scheduled = false;

/** Waits while leaving the core that the binding's polling takes to a software adapter. */
async function withNap(promise) {
  pending++;
  since = performance.now();
  if (!scheduled) {
    scheduled = true;
    setImmediate(nap);
  }
  try {
    return await promise;
  } finally {
    pending--;
  }
}

function nap() {
  if (pending === 0) {
    scheduled = false;
    return;
  }
  Atomics.wait(cell, 0, 0, Math.min(2, 0.05 * (performance.now() - since)));
  setImmediate(nap);
}

/** The name of the adapter an engine's device came from. */
export async function adapterName() {
  const { info } = await kept.requestAdapter();
  return info.description || info.device || info.vendor;
}
