import { BufferUsage, type Gpu } from "./gpu.ts";

/** An event between two readings of performance.now() (milliseconds), and when the GPU's clock says it was. */
export interface ClockSample {
  readonly cpuBefore: number;
  readonly cpuAfter: number;
  /** Nanoseconds of the GPU's clock, for the begin and the end of the event. */
  readonly gpuBegin: bigint;
  readonly gpuEnd: bigint;
}

/** How the GPU's clock lies on that of performance.now(): milliseconds = (gpu nanoseconds - zero) / 1e6. */
export interface GpuClock {
  readonly zero: bigint;
  /** By how much it may be wrong, in nanoseconds. */
  readonly uncertaintyNs: number;
  /** What an empty pass takes on the GPU by its timestamps: that much of each timed dispatch is not its work. */
  readonly emptyPassNs: number;
}

/**
 * No work begins on the GPU before it is submitted, and none ends after the host has seen it done. Each sample thus
 * bounds the distance of the clocks from both sides; the tightest bounds of all count. Of the interval that is left its
 * end with the earliest GPU work is taken, since work starts sooner after a submit than the host hears of its end.
 */
export function alignClocks(samples: readonly ClockSample[]): { zero: bigint; uncertaintyNs: number } {
  const ns = (ms: number) => BigInt(Math.round(ms * 1e6));
  const latest = samples.map(({ cpuBefore, gpuBegin }) => gpuBegin - ns(cpuBefore)).reduce((a, b) => (b < a ? b : a));
  const earliest = samples.map(({ cpuAfter, gpuEnd }) => gpuEnd - ns(cpuAfter)).reduce((a, b) => (b > a ? b : a));
  return { zero: latest, uncertaintyNs: Math.abs(Number(latest - earliest)) };
}

const SAMPLES = 9;

/** Measures the GPU's clock against performance.now() with empty passes. Needs the feature "timestamp-query". */
export async function measureGpuClock(gpu: Gpu): Promise<GpuClock> {
  const { device } = gpu;
  const querySet = device.createQuerySet({ label: "clock", type: "timestamp", count: 2 });
  const resolved = gpu.createBuffer("clock", 16, QUERY_RESOLVE | BufferUsage.COPY_SRC);
  const staging = gpu.createBuffer("clock readback", 16, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  try {
    const samples: ClockSample[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const encoder = device.createCommandEncoder({ label: "clock" });
      encoder
        .beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } })
        .end();
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
      const commands = encoder.finish();
      const cpuBefore = performance.now();
      device.queue.submit([commands]);
      await gpu.map(staging);
      const cpuAfter = performance.now();
      const [gpuBegin, gpuEnd] = new BigUint64Array(staging.getMappedRange().slice(0)) as unknown as [bigint, bigint];
      staging.unmap();
      samples.push({ cpuBefore, cpuAfter, gpuBegin, gpuEnd });
    }
    const lengths = samples.map(({ gpuBegin, gpuEnd }) => Number(gpuEnd - gpuBegin)).sort((a, b) => a - b);
    return { ...alignClocks(samples), emptyPassNs: lengths[SAMPLES >> 1]! };
  } finally {
    querySet.destroy();
    gpu.destroyBuffer(resolved);
    gpu.destroyBuffer(staging);
  }
}

const QUERY_RESOLVE = 512; // GPUBufferUsage.QUERY_RESOLVE
