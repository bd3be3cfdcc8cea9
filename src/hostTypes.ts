// Types that the host brings, for what is exported: lib.dom, @types/node or @webgpu/types declare them, or nobody does.
// A declaration that named the globals would not compile in the last case, and one that brought its own would clash
// with the host's.

/** The instances of a global class where the program's types have it, else `Otherwise`. */
type Global<Name extends string, Otherwise> = typeof globalThis extends {
  readonly [name in Name]: { readonly prototype: infer Instance };
}
  ? Instance
  : Otherwise;

/** What a program without types of WebGPU sees of a WebGPU object. */
interface GpuObject {
  label: string;
}

export type GPU = Global<"GPU", { requestAdapter(): Promise<GPUAdapter | null> }>;

export type GPUAdapterInfo = Global<
  "GPUAdapterInfo",
  { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string }
>;

export type GPUAdapter = Global<
  "GPUAdapter",
  {
    readonly features: ReadonlySet<string>;
    readonly info: GPUAdapterInfo;
    requestDevice(): Promise<GPUDevice>;
  }
>;

export type GPUDevice = Global<
  "GPUDevice",
  GpuObject & {
    readonly features: ReadonlySet<string>;
    readonly limits: Readonly<Record<string, number>>;
    readonly adapterInfo: GPUAdapterInfo;
    readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
    destroy(): void;
  }
>;

export type GPUBuffer = Global<
  "GPUBuffer",
  GpuObject & { readonly size: number; readonly usage: number; destroy(): void }
>;

export type GPUComputePipeline = Global<"GPUComputePipeline", GpuObject>;
export type GPUBindGroupLayout = Global<"GPUBindGroupLayout", GpuObject>;
export type GPUBindGroup = Global<"GPUBindGroup", GpuObject>;
export type GPUQuerySet = Global<"GPUQuerySet", GpuObject & { readonly count: number }>;

export type AbortSignal = Global<"AbortSignal", { readonly aborted: boolean }>;
