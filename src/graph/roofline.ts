import { requireGpu, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { BufferUsage, type Gpu } from "../gpu/gpu.ts";
import { ReplayTimer } from "../gpu/replayTimer.ts";
import { rooflineCopy } from "../kernels/rooflineCopy.ts";
import { rooflineFma, rooflineFmaSum } from "../kernels/rooflineFma.ts";
import { Graph } from "./graph.ts";
import { Plan } from "./plan.ts";

/** The two ceilings of an adapter (Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785). */
export interface Roofline {
  /** Of a large copy, bytes read and written: 10^9 bytes a second. */
  readonly gbPerSecond: number;
  /** Of fused multiply-adds in registers, each counted as two: 10^9 a second. */
  readonly gflops: number;
}

/** Seconds that the roofline allows for so much work: the longer of its arithmetic and its traffic. */
export function rooflineSeconds(roofline: Roofline, work: { flops: number; bytes: number }): number {
  requireObject("roofline", roofline, "Give what measureRoofline resolves to.");
  requireObject("work", work, "Give { flops, bytes }.");
  return Math.max(work.flops / roofline.gflops, work.bytes / roofline.gbPerSecond) / 1e9;
}

/**
 * Time that the roofline allows / time taken. Above 1 where data came from a cache, whose traffic the copy does not
 * measure.
 */
export function rooflineShare(roofline: Roofline, work: { flops: number; bytes: number; seconds: number }): number {
  return rooflineSeconds(roofline, work) / work.seconds;
}

/** Long enough to make the cost of starting small, also where only wall time can be had. */
const ENOUGH_MS = 20;
/** The fastest counts: a ceiling is what is possible. */
const REPEATS = 15;
const ROUNDS = 512;
const FIRST_THREADS = 1 << 10;
const LAST_THREADS = 1 << 24;
/** Two such buffers are beyond the last cache of most adapters. */
const COPY_BYTES = 1 << 28;
const SMALLEST_COPY_BYTES = 1 << 20;

/**
 * Measures both ceilings in a second or a few, with timestamps where there are any and by wall time elsewhere.
 *
 * @throws VoxtwirlError "internal" where the multiply-adds give a wrong result, "out-of-memory" where not even two
 *   buffers of a MiB can be had
 */
export async function measureRoofline(gpu: Gpu): Promise<Roofline> {
  requireGpu(gpu);
  const gflops = await measureFma(gpu);
  return { gbPerSecond: await measureCopy(gpu), gflops };
}

async function measureFma(gpu: Gpu): Promise<number> {
  const factors = gpu.upload("roofline factors", new Float32Array([1, 1]));
  try {
    for (let threads = FIRST_THREADS; ; threads *= 4) {
      const graph = new Graph(gpu.caps);
      const sums = graph.keep(graph.scratch("roofline sums", [threads]));
      rooflineFma(graph, {
        label: "roofline fma",
        factors: graph.external("roofline factors", [2], factors),
        sums,
        rounds: ROUNDS,
      });
      const plan = await Plan.create(gpu, graph, { label: "roofline fma" });
      try {
        const ms = await fastest(gpu, plan, 1, ENOUGH_MS);
        if (ms < ENOUGH_MS && threads < LAST_THREADS) continue;
        const [values] = (await plan.read(sums)) as [Float32Array];
        const wrong = values.findIndex((value, thread) => value !== rooflineFmaSum(thread, ROUNDS));
        if (wrong >= 0) {
          const right = rooflineFmaSum(wrong, ROUNDS);
          const what = `thread ${wrong} of the multiply-adds gave ${values[wrong]}, not ${right}`;
          throw new VoxtwirlError("internal", what, "Report this with the adapter's name.");
        }
        return plan.flops / (await fastest(gpu, plan, REPEATS)) / 1e6;
      } finally {
        plan.destroy();
      }
    }
  } finally {
    gpu.destroyBuffer(factors.buffer);
  }
}

/**
 * The faster of a shader's copy and the driver's: on software adapters a shader's loads are gathers, which stay far
 * below what the memory gives.
 */
async function measureCopy(gpu: Gpu): Promise<number> {
  let bytes = Math.min(COPY_BYTES, 2 ** Math.floor(Math.log2(gpu.caps.maxBindingBytes)));
  while (bytes > SMALLEST_COPY_BYTES && gpu.allocatedBytes + 3 * bytes > gpu.memoryBudget) bytes /= 2;
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
  const made: GPUBuffer[] = [];
  try {
    for (const label of ["roofline x", "roofline y"]) made.push(gpu.createBuffer(label, bytes, usage));
    const [from, to] = made as [GPUBuffer, GPUBuffer];
    // Pages that were never written may all be one page of zeros.
    copies(gpu, from, to, 1, (encoder) => encoder.clearBuffer(from));
    const graph = new Graph(gpu.caps);
    const external = (buffer: GPUBuffer) => {
      return graph.external(buffer.label, [bytes / 4], { buffer, offset: 0, size: bytes });
    };
    rooflineCopy(graph, { label: "roofline copy", x: external(from), y: external(to) });
    const plan = await Plan.create(gpu, graph, { label: "roofline copy" });
    try {
      const byShader = plan.bytes / (await fastest(gpu, plan, REPEATS)) / 1e6;
      return Math.max(byShader, (2 * bytes) / (await driverCopyMs(gpu, from, to)) / 1e6);
    } finally {
      plan.destroy();
    }
  } finally {
    for (const buffer of made) gpu.destroyBuffer(buffer);
  }
}

/** Milliseconds of one copy, many in a submit: the wall time of one would be mostly waiting. */
async function driverCopyMs(gpu: Gpu, from: GPUBuffer, to: GPUBuffer): Promise<number> {
  let best = Infinity;
  for (let count = 1, measured = 0; measured < REPEATS;) {
    const start = performance.now();
    copies(gpu, from, to, count);
    await gpu.finish();
    const ms = performance.now() - start;
    if (ms < ENOUGH_MS && count < 4096) {
      count *= 2;
      continue;
    }
    best = Math.min(best, ms / count);
    measured++;
  }
  return best;
}

function copies(
  gpu: Gpu,
  from: GPUBuffer,
  to: GPUBuffer,
  count: number,
  before?: (encoder: GPUCommandEncoder) => void,
) {
  const encoder = gpu.device.createCommandEncoder({ label: "roofline copies" });
  before?.(encoder);
  for (let i = 0; i < count; i++) encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
  gpu.device.queue.submit([encoder.finish()]);
}

/** Milliseconds of the fastest of some replays after one that compiles; ends at once where one takes `enough`. */
async function fastest(gpu: Gpu, plan: Plan, repeats: number, enough = Infinity): Promise<number> {
  const timer = gpu.device.features.has("timestamp-query") ? new ReplayTimer(gpu, "whole") : undefined;
  try {
    let best = Infinity;
    for (let i = 0; i <= repeats; i++) {
      const start = performance.now();
      let ms: number;
      if (timer) {
        plan.runTimed(timer);
        const [span] = await timer.read();
        ms = (span!.end - span!.begin) / 1e6;
      } else {
        plan.run();
        await gpu.finish();
        ms = performance.now() - start;
      }
      if (i > 0) best = Math.min(best, ms);
      if (best >= enough && best < Infinity) break;
    }
    return best;
  } finally {
    timer?.destroy();
  }
}
