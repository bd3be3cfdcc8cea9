import { expect, it } from "vitest";
import { timeEmbedding, timeFrequencies } from "../../../src/kernels/flow/timeEmbedding.ts";
import { timeFeatures } from "../../../src/models/flowInputs.ts";
import { Random } from "../../../src/random.ts";
import { expectClose, runKernels, testGpu } from "../../harness.ts";

const config = {
  ...{ hidden: 8, layers: 1, heads: 1, conditioning: 4, pair: 4 },
  ...{ timeEmbedding: 64, indexEmbedding: 2, registers: 2 },
};

it.each([4, 64, 256])("gives the %i features that the host makes in double precision", async (width) => {
  const random = new Random(5);
  const ends = [0, 1, 1 - 2 ** -24, 0.5, 2 ** -9, 2 ** -24, 2 ** -31, 2 ** -40, 1e-30];
  const times = Float32Array.from([
    ...ends,
    ...Array.from({ length: 300 }, () => random.next()),
    ...Array.from({ length: 100 }, () => 10 ** (-9 * random.next())),
  ]);
  const half = width / 2;
  const { features } = await runKernels(
    await testGpu(),
    {
      times: { shape: [times.length], data: times },
      frequencies: { shape: [half, 2], data: timeFrequencies(half) },
    },
    { features: { shape: [times.length + 1, width] } },
    (ctx, t) => timeEmbedding(ctx, { label: "features", ...t }),
  );
  expectClose(features, timeFeatures({ ...config, timeEmbedding: width }, times), 2e-7);
  expect(features.slice(-width).every((x) => x === 0)).toBe(true);
});
