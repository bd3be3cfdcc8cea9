import { describe, expect, it } from "vitest";
import { expectClose, runKernels, testGpu } from "../harness.ts";
import { philox4x32, uniformFromBits } from "../../src/kernels/philox.ts";
import { PHILOX_KNOWN_ANSWERS } from "../../src/reference/philox.ts";
import { unitCircle } from "../../src/reference/random.ts";
import randomProbe from "./randomProbe.wgsl";

async function probe(counters: readonly (readonly number[])[], keys: readonly (readonly number[])[]) {
  const count = counters.length;
  return runKernels(
    await testGpu(),
    {
      counters: { shape: [count, 4], data: Uint32Array.from(counters.flat()) },
      keys: { shape: [count, 2], data: Uint32Array.from(keys.flat()) },
    },
    {
      bits: { shape: [count, 4], dtype: "u32" },
      circle: { shape: [count, 2] },
      logs: { shape: [count] },
      uniforms: { shape: [count] },
    },
    (ctx, { counters, keys, bits, circle, logs, uniforms }) =>
      ctx.dispatch({
        label: "probe",
        shader: randomProbe,
        params: { count },
        bindings: { counters, keys, bits, circle, logs, uniforms },
        workgroups: [Math.ceil(count / 64), 1, 1],
        flops: 0,
        bytes: 0,
      }),
  );
}

describe("Philox4x32-10", () => {
  it("gives the published answers, twin and shader", async () => {
    for (const { counter, key, result } of PHILOX_KNOWN_ANSWERS) expect(philox4x32(counter, key)).toEqual(result);
    const { bits } = await probe(
      PHILOX_KNOWN_ANSWERS.map(({ counter }) => counter),
      PHILOX_KNOWN_ANSWERS.map(({ key }) => key),
    );
    expect([...bits]).toEqual(PHILOX_KNOWN_ANSWERS.flatMap(({ result }) => result));
  });

  it("is bitwise its twin on many counters", async () => {
    const counters = Array.from({ length: 200 }, (_, i) => philox4x32([i, 1, 2, 3], [4, 5]));
    const keys = counters.map(([a, b]) => [b, a]);
    const { bits } = await probe(counters, keys);
    expect([...bits]).toEqual(counters.flatMap((counter, i) => philox4x32(counter, keys[i]!)));
  });
});

describe("uniform, logarithm and circle", () => {
  // The ends of the range, the borders of the quadrants and of the octants, and 2,000 numbers in between.
  const edges = [0, 1, 255, 256, 511, 512, 2 ** 32 - 1, 2 ** 32 - 256, 2 ** 32 - 257, 2 ** 31 + 2 ** 30];
  for (let eighth = 1; eighth < 8; eighth++) edges.push(eighth * 2 ** 29, eighth * 2 ** 29 - 1, eighth * 2 ** 29 + 64);
  for (let bit = 0; bit < 32; bit++) edges.push(2 ** bit);
  // Where the logarithm's reduction changes the exponent, sqrt(1/2), and next to 1, where a logarithm is small.
  for (let k = -3; k <= 3; k++) edges.push(Math.round(Math.SQRT1_2 * 2 ** 32) + 512 * k, 2 ** 32 - 512 * (4 + k));
  const inputs = [...edges, ...Array.from({ length: 500 }, (_, i) => philox4x32([i, 0, 0, 0], [1, 1])).flat()];
  const run = () =>
    probe(
      inputs.map((bits) => [bits, 0, 0, 0]),
      inputs.map(() => [0, 0]),
    );
  const ulp = 2 ** -24;

  it("uniform numbers are exact and never 0 or 1", async () => {
    const { uniforms } = await run();
    expect([...uniforms]).toEqual(inputs.map(uniformFromBits));
    expect(inputs.map(uniformFromBits).every((u) => u > 0 && u < 1)).toBe(true);
    expect(uniformFromBits(0)).toBe(2 ** -24);
    expect(uniformFromBits(2 ** 32 - 1)).toBe(1 - 2 ** -24);
  });

  it("the logarithm has a relative error of a few ulp, near 1 too", async () => {
    const { logs } = await run();
    const expected = inputs.map((bits) => Math.log(uniformFromBits(bits)));
    expectClose(
      logs,
      expected,
      expected.map((value) => 6 * ulp * Math.abs(value)),
      "log",
    );
  });

  it("cosine and sine have a relative error of a few ulp, near their zeros too", async () => {
    const { circle } = await run();
    const expected = inputs.flatMap(unitCircle);
    expectClose(
      circle,
      expected,
      expected.map((value) => 6 * ulp * Math.abs(value)),
      "(cos, sin)",
    );
  });
});
