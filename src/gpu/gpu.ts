import { requireTyped, requireView, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { GPUAdapter, GPUAdapterInfo, GPUBuffer, GPUDevice } from "../hostTypes.ts";
import { capsOf, SUBGROUP_MATRIX_FEATURE, type GpuCaps } from "./caps.ts";
import { requireAdapter, requireDevice, requireInfo } from "./given.ts";
import { typedError } from "./gpuErrors.ts";
import { PipelineCache } from "./pipelines.ts";
import type { Tuning } from "./tuning.ts";

/** A range of a GPU buffer, in bytes. */
export interface BufferView {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** How a `Gpu` is opened or made. */
export interface GpuOptions {
  /** The device's label. */
  label?: string;
  /**
   * Wraps every wait for the GPU; a Node host passes its nap here (a pending promise makes Dawn's binding poll a core).
   */
  wait?: <T>(pending: Promise<T>) => Promise<T>;
  /**
   * Most bytes that may be allocated in all. Software adapters never refuse memory: the process dies when it is
   * touched.
   */
  memoryBudget?: number;
  /** Variants of kernels found by timing on this adapter; see `parseTuning` for one that comes from a file. */
  tuning?: Tuning | undefined;
  /** For a driver that compiles a pipeline when it first runs, on one thread, and keeps it on disk (lavapipe). */
  compilers?: Compilers | undefined;
}

/** Devices that compile a share of a plan's pipelines, so that the driver's cache has them when they first run. */
export interface Compilers {
  /** How many at a time. */
  readonly count: number;
  /** Opens another device of the same adapter. */
  open(this: void): Promise<Gpu>;
}

const WANTED_FEATURES = [
  "timestamp-query",
  "shader-f16",
  "subgroups",
  SUBGROUP_MATRIX_FEATURE as GPUFeatureName,
] as const;

const WANTED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupStorageSize",
] as const;

// Flag values of the WebGPU specification: the global objects GPUBufferUsage and GPUMapMode do not exist in Node.
export const BufferUsage = {
  MAP_READ: 1,
  COPY_SRC: 4,
  COPY_DST: 8,
  UNIFORM: 64,
  STORAGE: 128,
  INDIRECT: 256,
} as const;
const MAP_MODE_READ = 1;

/**
 * An adapter and its device. Opened by us (then `destroy` destroys the device) or around a caller's device (then it
 * never does; only what this object allocated is freed).
 *
 * Errors that WebGPU reports out of band (device loss, validation, out of memory) are kept and thrown, typed, by the
 * next call of `check`, which every plan makes before and after it waits.
 */
export class Gpu {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** What the adapter says of itself. */
  readonly info: GPUAdapterInfo;
  /** What kernels choose their variants by; graphs are made with it. */
  readonly caps: GpuCaps;
  /** The choices that replace those of the tables, if any. */
  readonly tuning: Tuning | undefined;
  /** @internal */
  readonly pipelines: PipelineCache;
  /** Wraps every wait for the GPU. */
  readonly wait: <T>(pending: Promise<T>) => Promise<T>;
  /** Most bytes that may be allocated in all. */
  readonly memoryBudget: number;
  /** @internal */
  readonly compilers: Compilers | undefined;
  readonly #owned: boolean;
  readonly #buffers = new Set<GPUBuffer>();
  readonly #onError = (event: GPUUncapturedErrorEvent) => {
    // Not every binding has it.
    (event as Partial<Event>).preventDefault?.();
    this.#failure ??= typedError(event.error);
  };
  #allocated = 0;
  /** Answers still due on whether memory was granted: a GPU refuses it only after the call. */
  readonly #memoryScopes = new Set<Promise<void>>();
  #failure: VoxtwirlError | undefined;
  #destroyed = false;

  private constructor(device: GPUDevice, info: GPUAdapterInfo, owned: boolean, options: GpuOptions) {
    this.device = device;
    this.info = info;
    this.tuning = options.tuning;
    this.caps = { ...capsOf(device, info), ...(options.tuning && { choices: variantsOf(options.tuning) }) };
    this.pipelines = new PipelineCache(device);
    this.wait = options.wait ?? ((pending) => pending);
    this.memoryBudget = options.memoryBudget ?? Infinity;
    this.#owned = owned;
    this.compilers = options.compilers;
    // Errors of a caller's device are the caller's to hear: they may come from work that is not ours.
    if (owned) device.addEventListener("uncapturederror", this.#onError as EventListener);
    void device.lost.then((lost) => {
      if (this.#destroyed) return;
      // Whatever else went wrong before: nothing works any more.
      this.#failure = new VoxtwirlError(
        "device-lost",
        `the GPU device was lost (${lost.reason}): ${lost.message}`,
        "Open the device again; a training run continues with --resume.",
      );
    });
  }

  /**
   * Opens a device with the adapter's real limits and with the features the kernels can use. An adapter gives one
   * device only.
   *
   * @param adapter what `navigator.gpu?.requestAdapter()` resolved to, which may be nothing
   * @throws VoxtwirlError "no-adapter" when there is none, with what to do, or the adapter refuses
   */
  static async open(adapter: GPUAdapter | null | undefined, options: GpuOptions = {}): Promise<Gpu> {
    requireAdapter(adapter);
    const requiredLimits: Record<string, number> = {};
    for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
    const descriptor = {
      label: options.label ?? "voxtwirl",
      requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits,
    };
    const device = await adapter.requestDevice(descriptor).catch((cause: unknown) => {
      const name = adapter.info.description || adapter.info.device || adapter.info.vendor || "the adapter";
      throw new VoxtwirlError(
        "no-adapter",
        `${name} gives no device: ${(cause as Error).message}`,
        "An adapter gives one device: ask for a new adapter; if it is new, choose another (--adapter) or update its " +
          "driver.",
        { cause },
      );
    });
    return new Gpu(device, adapter.info, true, options);
  }

  /**
   * Uses a device of the caller's. `info` is its adapter's; kernels choose their variants by it.
   *
   * @throws VoxtwirlError "no-adapter" when there is no device, with what to do
   */
  static fromDevice(device: GPUDevice, options: GpuOptions & { info?: GPUAdapterInfo } = {}): Gpu {
    requireDevice(device);
    return new Gpu(device, requireInfo(options.info ?? device.adapterInfo), false, options);
  }

  /** Bytes of all living buffers made by this object. */
  get allocatedBytes(): number {
    return this.#allocated;
  }

  /** Throws what went wrong since the last call, if anything did. */
  check(): void {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this Gpu was destroyed", "Open a new one.");
    const failure = this.#failure;
    if (!failure) return;
    // A lost device stays lost; other errors are told once.
    if (failure.code !== "device-lost") this.#failure = undefined;
    throw failure;
  }

  /**
   * Throws "too-large" or "out-of-memory", with the numbers, when `bytes` more cannot be had. Call it before the first
   * of several allocations, so that nothing is half allocated.
   */
  assertFits(what: string, bytes: number): void {
    if (this.#allocated + bytes > this.memoryBudget) {
      throw new VoxtwirlError(
        "out-of-memory",
        `${what} needs ${formatBytes(bytes)}; ${formatBytes(this.#allocated)} of the budget of ` +
          `${formatBytes(this.memoryBudget)} are taken`,
        "Use a smaller batch (micro-batches give the same gradients), a smaller grid or fewer channels.",
      );
    }
  }

  /**
   * A buffer that `destroy` frees with the rest.
   *
   * @param usage flags of GPUBufferUsage
   * @throws VoxtwirlError "too-large" or "out-of-memory" before anything is allocated
   */
  createBuffer(label: string, size: number, usage: number): GPUBuffer {
    this.check();
    requireWhole(`size of '${label}'`, size, 0);
    const { maxBufferSize } = this.device.limits;
    if (size > maxBufferSize) {
      throw new VoxtwirlError(
        "too-large",
        `buffer '${label}' of ${formatBytes(size)} exceeds the adapter's limit of ${formatBytes(maxBufferSize)}`,
        "Use a smaller batch, grid or model, or another adapter.",
      );
    }
    this.assertFits(`buffer '${label}'`, size);
    this.device.pushErrorScope("out-of-memory");
    const buffer = this.device.createBuffer({ label, size: Math.max(Math.ceil(size / 4) * 4, 4), usage });
    const scope: Promise<void> = this.device
      .popErrorScope()
      .then(
        (error) => {
          if (error) this.#failure ??= typedError(error);
        },
        () => undefined, // A lost device: `check` tells.
      )
      .finally(() => this.#memoryScopes.delete(scope));
    this.#memoryScopes.add(scope);
    this.#buffers.add(buffer);
    this.#allocated += buffer.size;
    return buffer;
  }

  /**
   * Waits until the adapter has granted the buffers made so far.
   *
   * @throws VoxtwirlError "out-of-memory" when it refused one
   */
  async settle(): Promise<void> {
    if (this.#memoryScopes.size > 0) await this.wait(Promise.all(this.#memoryScopes));
    this.check();
  }

  /** Frees a buffer that this object made; others are left alone. */
  destroyBuffer(buffer: GPUBuffer): void {
    if (!this.#buffers.delete(buffer)) return;
    this.#allocated -= buffer.size;
    buffer.destroy();
  }

  /** A buffer holding `data`, for storage or uniform bindings. */
  upload(label: string, data: Float32Array | Uint32Array): BufferView {
    requireTyped(`data of '${label}'`, data);
    const usage = BufferUsage.STORAGE | BufferUsage.UNIFORM | BufferUsage.COPY_DST | BufferUsage.COPY_SRC;
    const buffer = this.createBuffer(label, data.byteLength, usage);
    if (data.byteLength > 0) this.write({ buffer, offset: 0, size: data.byteLength }, data);
    return { buffer, offset: 0, size: Math.max(data.byteLength, 4) };
  }

  /** Queues a write of all of `data` to the beginning of the view. */
  write(view: BufferView, data: ArrayBufferView): void {
    requireView("the view to write", view);
    requireTyped("data", data);
    // 64 MiB pieces: one writeBuffer stages a copy of all it is given.
    const piece = 1 << 26;
    for (let at = 0; at < data.byteLength; at += piece) {
      const size = Math.min(piece, data.byteLength - at);
      this.device.queue.writeBuffer(view.buffer, view.offset + at, data.buffer, data.byteOffset + at, size);
    }
  }

  /** The bytes of each view once all submitted work is done. */
  async read(...views: BufferView[]): Promise<ArrayBuffer[]> {
    this.check();
    const offsets: number[] = [];
    let total = 0;
    for (const view of views) {
      requireView("a view to read", view);
      offsets.push(total);
      total += Math.ceil(view.size / 8) * 8;
    }
    const staging = this.createBuffer("readback", total, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    try {
      const encoder = this.device.createCommandEncoder({ label: "readback" });
      views.forEach((view, i) => encoder.copyBufferToBuffer(view.buffer, view.offset, staging, offsets[i]!, view.size));
      this.device.queue.submit([encoder.finish()]);
      await this.map(staging);
      const bytes = staging.getMappedRange();
      return views.map(({ size }, i) => {
        const offset = offsets[i]!;
        return bytes.slice(offset, offset + size);
      });
    } finally {
      this.destroyBuffer(staging);
    }
  }

  /** Maps a staging buffer for reading; device errors that explain a failure are thrown instead of it. */
  async map(buffer: GPUBuffer): Promise<void> {
    try {
      await this.wait(buffer.mapAsync(MAP_MODE_READ));
    } catch (cause) {
      this.check();
      throw new VoxtwirlError(
        "device-lost",
        `reading back failed: ${(cause as Error).message}`,
        "Open the device again.",
        { cause },
      );
    }
    this.check();
  }

  /** Waits until everything submitted is done. */
  async finish(): Promise<void> {
    this.check();
    try {
      await this.wait(this.device.queue.onSubmittedWorkDone());
    } catch (cause) {
      this.check();
      throw new VoxtwirlError("device-lost", `waiting failed: ${(cause as Error).message}`, "Open the device again.", {
        cause,
      });
    }
    this.check();
  }

  /** Frees what this object made; the device too if it opened it. Twice is harmless. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
    this.#allocated = 0;
    this.device.removeEventListener("uncapturederror", this.#onError as EventListener);
    if (this.#owned) this.device.destroy();
  }
}

function variantsOf(tuning: Tuning): Record<string, string> {
  return Object.fromEntries(Object.entries(tuning.choices).map(([key, { variant }]) => [key, variant]));
}

export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "unlimited";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}
