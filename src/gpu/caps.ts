import type { GPUAdapterInfo, GPUDevice } from "../hostTypes.ts";

/** What kind of adapter it is, as far as kernels choose by it. */
export type AdapterClass = "discrete" | "integrated" | "apple" | "software" | "unknown";

/** Sizes of one subgroup-matrix product: [m, k] f16 times [k, n] f16, summed in [m, n] f32. */
export interface SubgroupMatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** What a kernel may ask about the adapter when it chooses a variant. Plain data. */
export interface GpuCaps {
  readonly adapterClass: AdapterClass;
  /** The `subgroups` feature is enabled on the device. */
  readonly subgroups: boolean;
  /** 8 on lavapipe, 4 on SwiftShader, 32 on NVIDIA; 1 without subgroups. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly maxWorkgroupInvocations: number;
  /** The largest range of a buffer that one binding can cover, in bytes. */
  readonly maxBindingBytes: number;
  readonly f16: boolean;
  /**
   * Subgroup-matrix products of f16 that are summed in f32 (tensor cores), in the adapter's order; none where the
   * device has no such feature, or its subgroups have no one size.
   */
  readonly subgroupMatrices: readonly SubgroupMatrixShape[];
  /** Variants found by timing on this adapter, by the keys of kernel calls; others are those of the table. */
  readonly choices?: Readonly<Record<string, string>>;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render/i;

/** Experimental in Dawn; no part of @webgpu/types. */
export const SUBGROUP_MATRIX_FEATURE = "chromium-experimental-subgroup-matrix";

interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

function subgroupMatricesOf(device: Pick<GPUDevice, "features">, info: GPUAdapterInfo): SubgroupMatrixShape[] {
  if (!device.features.has(SUBGROUP_MATRIX_FEATURE) || !device.features.has("shader-f16")) return [];
  // Kernels use it; in Node it is always there, where there is no navigator.gpu to ask.
  const { gpu } = (globalThis as { navigator?: { gpu?: Partial<GPU> } }).navigator ?? {};
  if (gpu?.wgslLanguageFeatures?.has("subgroup_id") === false) return [];
  // A workgroup would hold an unknown number of subgroups.
  if (info.subgroupMinSize !== info.subgroupMaxSize) return [];
  const { subgroupMatrixConfigs = [] } = info as GPUAdapterInfo & {
    subgroupMatrixConfigs?: readonly SubgroupMatrixConfig[];
  };
  return [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .map(({ M, N, K }) => ({ m: M, n: N, k: K }));
}

/** Capabilities of an open device (or of an adapter before it is opened). `info` is the adapter's. */
export function capsOf(device: Pick<GPUDevice, "features" | "limits">, info: GPUAdapterInfo): GpuCaps {
  const subgroups = device.features.has("subgroups");
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  const software = info.isFallbackAdapter || SOFTWARE.test(text);
  const vendor = info.vendor.toLowerCase();
  return {
    adapterClass: software
      ? "software"
      : vendor === "nvidia" || vendor === "amd"
        ? "discrete"
        : vendor === "apple"
          ? "apple"
          : vendor === "intel" || vendor === "qualcomm" || vendor === "arm"
            ? "integrated"
            : "unknown",
    subgroups,
    subgroupMinSize: subgroups ? (info.subgroupMinSize ?? 4) : 1,
    subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 128) : 1,
    maxWorkgroupInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    maxBindingBytes: Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize),
    f16: device.features.has("shader-f16"),
    subgroupMatrices: subgroups ? subgroupMatricesOf(device, info) : [],
  };
}
