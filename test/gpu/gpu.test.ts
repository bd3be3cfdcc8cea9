import { afterEach, describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { BufferUsage, formatBytes, Gpu } from "../../src/gpu/gpu.ts";
import { workgroups1d } from "../../src/gpu/dispatch.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Plan } from "../../src/graph/plan.ts";
import { openAdapter } from "../../src/node/open.ts";
import { openGpu } from "../../src/node/openGpu.ts";
import { withNap } from "../../src/node/nap.ts";

const code = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VoxtwirlError);
  return error as VoxtwirlError;
};

describe("Gpu", () => {
  const opened: { destroy(): void }[] = [];
  const open = async () => {
    const gpu = await openGpu();
    opened.push(gpu);
    return gpu;
  };
  afterEach(() => {
    for (const gpu of opened.splice(0)) gpu.destroy();
  });

  it("opens with the adapter's real limits", async () => {
    const { adapter } = await openAdapter();
    const most = adapter.limits.maxStorageBuffersPerShaderStage;
    const gpu = await Gpu.open(adapter, { wait: withNap });
    opened.push(gpu);
    expect(gpu.device.limits.maxStorageBuffersPerShaderStage).toBe(most);
    expect(gpu.caps.maxBindingBytes).toBe(
      Math.min(adapter.limits.maxStorageBufferBindingSize, adapter.limits.maxBufferSize),
    );
  });

  it("says so, typed, when the adapter gives no device", async () => {
    const { adapter } = await openAdapter();
    opened.push(await Gpu.open(adapter, { wait: withNap }));
    const error = await code(Gpu.open(adapter, { wait: withNap }));
    expect(error).toMatchObject({
      code: "no-adapter",
      message: expect.stringMatching(/gives no device/),
      fix: expect.stringMatching(/new adapter/),
    });
    expect(error.cause).toBeDefined();
  });

  it("never destroys a caller's device", async () => {
    const { adapter } = await openAdapter();
    const device = await adapter.requestDevice();
    const gpu = Gpu.fromDevice(device, { info: adapter.info, wait: withNap });
    const view = gpu.upload("data", Float32Array.of(1, 2, 3));
    expect(new Float32Array((await gpu.read(view))[0]!)).toEqual(Float32Array.of(1, 2, 3));
    gpu.destroy();
    const buffer = device.createBuffer({ size: 4, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST });
    await withNap(buffer.mapAsync(1));
    expect(buffer.mapState).toBe("mapped");
    device.destroy();
  });

  it("prints the numbered source of a shader that does not compile", async () => {
    const gpu = await open();
    const graph = new Graph(gpu.caps);
    const y = graph.scratch("y", [1]);
    const shader = {
      name: "broken",
      code:
        "@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() {\n" +
        "  y[0] = nothing;\n}",
    };
    graph.dispatch({ label: "broken", shader, bindings: { y }, workgroups: [1, 1, 1], flops: 0, bytes: 0 });
    const error = await code(Plan.create(gpu, graph, { label: "test" }));
    expect(error.code).toBe("shader-compile");
    expect(error.message).toMatch(/broken does not compile: line 3: .*nothing/);
    expect(error.message).toMatch(/3 \| {3}y\[0\] = nothing;\n\s+\^ error/);
    expect(gpu.allocatedBytes).toBe(0);
    // Told once: nothing is left over for the next call.
    await gpu.finish();
  });

  it("tells shaders of one name apart by their code", async () => {
    const gpu = await open();
    const shader = (value: number) => ({
      name: "same",
      code:
        `@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n` +
        `@compute @workgroup_size(1) fn main() { y[0] = ${value}.0; }`,
    });
    for (const value of [1, 2]) {
      const graph = new Graph(gpu.caps);
      const y = graph.keep(graph.scratch("y", [1]));
      graph.dispatch({
        label: "same",
        shader: shader(value),
        bindings: { y },
        workgroups: [1, 1, 1],
        flops: 0,
        bytes: 0,
      });
      const plan = await Plan.create(gpu, graph, { label: "test" });
      plan.run();
      expect((await plan.read(y))[0]![0]).toBe(value);
    }
  });

  it("throws validation errors, typed, at the next call", async () => {
    const gpu = await open();
    gpu.device.createBuffer({ size: 4, usage: BufferUsage.MAP_READ | BufferUsage.STORAGE });
    const error = await code(gpu.finish());
    expect(error.code).toBe("validation");
    await gpu.finish();
  });

  it("says so when the device is lost, and stays lost", async () => {
    const gpu = await open();
    const view = gpu.upload("data", new Float32Array(4));
    gpu.device.destroy();
    await gpu.device.lost;
    expect((await code(gpu.read(view))).code).toBe("device-lost");
    expect((await code(gpu.finish())).code).toBe("device-lost");
  });

  it("refuses what does not fit, with the numbers, before allocating", async () => {
    const { adapter } = await openAdapter();
    const gpu = await Gpu.open(adapter, { wait: withNap, memoryBudget: 1 << 20 });
    opened.push(gpu);
    const graph = new Graph(gpu.caps);
    const [a, b] = [graph.scratch("a", [1 << 18]), graph.scratch("b", [1 << 18])];
    const shader = {
      name: "copy",
      code:
        "@group(0) @binding(0) var<storage, read> a: array<f32>;\n" +
        "@group(0) @binding(1) var<storage, read_write> b: array<f32>;\n" +
        "@compute @workgroup_size(1) fn main() { b[0] = a[0]; }",
    };
    graph.dispatch({ label: "copy", shader, bindings: { a, b }, workgroups: [1, 1, 1], flops: 0, bytes: 0 });
    const error = await code(Plan.create(gpu, graph, { label: "large" }));
    expect(error.code).toBe("out-of-memory");
    expect(error.message).toContain("2.00 MiB");
    expect(gpu.allocatedBytes).toBe(0);
    const limit = gpu.caps.maxBindingBytes;
    expect(() => graph.scratch("huge", [limit / 4 + 1])).toThrow(
      new RegExp(`${limit + 4} bytes, one binding of this adapter holds ${limit}`),
    );
    expect(() => gpu.createBuffer("beyond", gpu.device.limits.maxBufferSize + 4, BufferUsage.STORAGE)).toThrow(
      /exceeds the adapter's limit/,
    );
  });

  it("compiles each variant once", async () => {
    const gpu = await open();
    const shader = {
      name: "twice",
      code:
        "@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n" +
        "@compute @workgroup_size(1) fn main() { y[0] = f32(N); }",
    };
    const variant = (n: number) => gpu.pipelines.variant(shader, { N: n });
    const [one, two, other] = await Promise.all([
      gpu.pipelines.get(variant(1)),
      gpu.pipelines.get(variant(1)),
      gpu.pipelines.get(variant(2)),
    ]);
    expect(one).toBe(two);
    expect(other).not.toBe(one);
    expect(gpu.pipelines.size).toBe(2);
  });
});

describe("helpers of dispatches", () => {
  it("fold long rows of workgroups into two dimensions", () => {
    expect(workgroups1d(0)).toEqual([1, 1, 1]);
    expect(workgroups1d(65_535)).toEqual([65_535, 1, 1]);
    for (const count of [65_536, 1e6 + 7, 4e9]) {
      const [x, y] = workgroups1d(count);
      expect(x * y).toBeGreaterThanOrEqual(count);
      expect(x * y).toBeLessThan(count + y);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65_535);
    }
    expect(() => workgroups1d(-1)).toThrow();
  });

  it("show bytes in their unit", () => {
    expect(formatBytes(12)).toBe("12 B");
    expect(formatBytes(128 * 2 ** 20)).toBe("128.0 MiB");
    expect(formatBytes(Infinity)).toBe("unlimited");
  });
});
