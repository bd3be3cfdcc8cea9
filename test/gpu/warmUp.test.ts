import { afterEach, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { warmUp } from "../../src/gpu/warmUp.ts";
import { openGpu } from "../../src/node/openGpu.ts";

const opened: Gpu[] = [];
const open = async (options = {}) => {
  const gpu = await openGpu({ compilers: undefined, ...options });
  opened.push(gpu);
  return gpu;
};
afterEach(() => {
  for (const gpu of opened.splice(0)) gpu.destroy();
});

const shader = {
  name: "counted",
  code: `
    struct Params { a: u32 }
    @group(0) @binding(0) var<uniform> params: Params;
    @group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
    @compute @workgroup_size(8)
    fn main(@builtin(local_invocation_index) i: u32) { y[i] = vec4<f32>(f32(params.a + N)); }
  `,
};

/** A device with up to two helpers, those it opened, and some pipelines. */
async function withHelpers(openHelper = () => open()) {
  const helpers: Gpu[] = [];
  const openCounted = async () => {
    const helper = await openHelper();
    helpers.push(helper);
    return helper;
  };
  const gpu = await open({ compilers: { count: 2, open: openCounted } });
  const variants = [1, 2, 3, 4, 5].map((n) => gpu.pipelines.variant(shader, { N: n }));
  return { gpu, helpers, variants };
}

const ALWAYS = 0;

it("shares pipelines that the driver has not compiled yet with other devices, once, and closes those", async () => {
  const { gpu, helpers, variants } = await withHelpers();
  await warmUp(gpu, variants, ALWAYS);
  expect(helpers).toHaveLength(2);
  for (const helper of helpers) expect(() => helper.check()).toThrow("destroyed");
  // Each was shown to one of the three.
  expect(helpers.reduce((sum, { pipelines }) => sum + pipelines.size, gpu.pipelines.size)).toBe(variants.length);
  expect(gpu.allocatedBytes).toBe(0);
  await warmUp(gpu, variants, ALWAYS);
  expect(helpers).toHaveLength(2);
});

it("opens none for pipelines that the driver has", async () => {
  const { gpu, helpers, variants } = await withHelpers();
  await warmUp(gpu, variants, Infinity);
  expect(helpers).toHaveLength(0);
  expect(gpu.pipelines.size).toBe(variants.length);
});

it("does without helpers that do not open", async () => {
  const { gpu, variants } = await withHelpers(() => Promise.reject(new Error("no device")));
  await warmUp(gpu, variants, ALWAYS);
  expect(gpu.pipelines.size).toBe(variants.length);
  gpu.check();
});

it("leaves all to the first run where there are no helpers", async () => {
  const gpu = await open();
  await warmUp(gpu, [gpu.pipelines.variant(shader, { N: 1 })], ALWAYS);
  expect(gpu.pipelines.size).toBe(0);
});
