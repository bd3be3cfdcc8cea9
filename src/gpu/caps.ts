export type AdapterClass = "discrete" | "integrated" | "apple" | "software" | "unknown";

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
  /** Variants found by timing on this adapter, by the keys of kernel calls; others are those of the table. */
  readonly choices?: Readonly<Record<string, string>>;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render/i;

/** Capabilities of an open device (or of an adapter before it is opened). `info` is the adapter's. */
export function capsOf(device: Pick<GPUDevice, "features" | "limits">, info: GPUAdapterInfo): GpuCaps {
  const subgroups = device.features.has("subgroups");
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  const software = info.isFallbackAdapter === true || SOFTWARE.test(text);
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
  };
}
