import { describe, expect, it } from "vitest";
import { channelPermutations } from "../../src/equivariance/channelPermutations.ts";
import { cyclic4, fullOctahedral } from "../../src/equivariance/cubeGroups.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { octahedral } from "../../src/equivariance/groups.ts";
import { gatherVoxels } from "../../src/equivariance/interpolate.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import type { Predict } from "../../src/equivariance/predict.ts";
import { finiteGroup, type SymmetryGroup } from "../../src/equivariance/symmetryGroup.ts";
import { translations } from "../../src/equivariance/translations.ts";
import type { BufferView } from "../../src/gpu/gpu.ts";
import { randomArray, testGpu } from "../harness.ts";

const SIZE = 4;
const CHANNELS = 3;
const VOXELS = SIZE ** 3;
const CELLS = VOXELS * CHANNELS;
const input = { kind: "grid", size: SIZE, channels: CHANNELS } as const;
const samples = Array.from({ length: 3 }, (_, n) => ({
  input: randomArray(CELLS, n),
  target: randomArray(CELLS, 10 + n),
}));

/** Multiplies every number of a grid by one of its own. */
const masked =
  (mask: (voxel: number, channel: number) => number): Predict<Float32Array> =>
  (x) =>
    x.map((value, i) => value * mask(Math.floor((i % CELLS) / CHANNELS), i % CHANNELS));

const noise = randomArray(CELLS, 30);
const byVoxel = masked((voxel) => noise[voxel]!);
const byChannel = masked((_, channel) => noise[channel]!);

/** The mean over samples, voxels and channels of the squared input. */
const power = samples.reduce((sum, { input: x }) => sum + x.reduce((s, v) => s + v * v, 0), 0) / (3 * CELLS);

function variance(values: ArrayLike<number>): number {
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  return all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
}

const measure = (predict: Predict<Float32Array>, group: SymmetryGroup, twirl = group.order, seed = 0) =>
  measureEquivariance(predict, samples, { group, twirl, input, seed });

describe("the share of symmetries that are no rotations", () => {
  it("is nothing of a model that has them", async () => {
    const pointwise = await measure(byChannel, translations({ size: SIZE }), 24);
    expect(pointwise.lossTotal).toBeGreaterThan(0.1);
    expect(pointwise.percentEquiv).toBeLessThan(1e-9);
    expect((await measure(byChannel, translations({ size: SIZE, most: 1 }))).percentEquiv).toBeLessThan(1e-9);
    const shared = await measure(byVoxel, channelPermutations(CHANNELS));
    expect(shared.lossTotal).toBeGreaterThan(0.1);
    expect(shared.percentEquiv).toBeLessThan(1e-9);
  });

  it("is the variance of the masks that break them", async () => {
    const moved = await measure(byVoxel, translations({ size: SIZE }));
    expect(moved.rotations).toBe(VOXELS);
    expect(moved.lossEquiv / (variance(noise.subarray(0, VOXELS)) * power)).toBeCloseTo(1, 5);
    const permuted = await measure(byChannel, channelPermutations(CHANNELS));
    expect(permuted.lossEquiv / (variance(noise.subarray(0, CHANNELS)) * power)).toBeCloseTo(1, 5);
  });

  it.each<[string, SymmetryGroup, Predict<Float32Array>, number]>([
    ["translations", translations({ size: SIZE }), byVoxel, 8],
    ["permutations", channelPermutations(CHANNELS), byChannel, 3],
    ["O_h", fullOctahedral(), byVoxel, 8],
    ["C4", cyclic4("x"), byVoxel, 2],
  ])("is the enumerated one within the error of a part of the elements: %s", async (_, group, predict, twirl) => {
    const exact = await measure(predict, group);
    const seeds = Array.from({ length: 60 }, (_, seed) => 100 * seed);
    const found = await Promise.all(seeds.map((seed) => measure(predict, group, twirl, seed)));
    for (const name of ["lossEquiv", "lossMean"] as const) {
      const values = found.map((one) => one[name]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const error = Math.sqrt(variance(values) / (values.length - 1));
      expect(error / exact[name]).toBeLessThan(0.1);
      expect(Math.abs(mean - exact[name]), name).toBeLessThan(3.5 * error);
    }
  });

  it("is of the inner voxels alone under a few shifts", async () => {
    const group = translations({ size: SIZE, most: 1 });
    const voxels = group.compared!(SIZE);
    const inside = (values: ArrayLike<number>) => gatherVoxels(Float32Array.from(values), voxels, CHANNELS);
    const predictions = samples.flatMap(({ input: x }) =>
      group.enumerate!().flatMap((element) => {
        const raw = group.act(element, x, input).map((value, i) => value * noise[Math.floor(i / CHANNELS)]!);
        return [...inside(group.act(group.inverse(element), raw, input))];
      }),
    );
    const targets = samples.flatMap(({ target }) => [...inside(target)]);
    const { gains: _, ...expected } = decompose(predictions, targets, { samples: 3, groupOrder: 27 });
    expect(expected.percentEquiv).toBeGreaterThan(1);
    const { gains: __, ...found } = await measure(byVoxel, group);
    expect(found).toEqual(expected);
  });

  it("grows from a group to one that it is part of, in the mean over the larger one's copies", async () => {
    // Each sample in all 24 rotations.
    const copies = samples.flatMap(({ input: x, target }) =>
      octahedral().enumerate!().map((g) => {
        return { input: octahedral().act(g, x, input), target: octahedral().act(g, target, input) };
      }),
    );
    const equiv = async (group: SymmetryGroup) =>
      (await measureEquivariance(byVoxel, copies, { group, twirl: group.order, input })).lossEquiv;
    const [four, all] = [await equiv(cyclic4("z")), await equiv(octahedral())];
    expect(four).toBeGreaterThan(0.1 * all);
    expect(four).toBeLessThan(all);
  });
});

describe("groups that cannot be used", () => {
  const refused = (message: RegExp, code = "bad-option"): unknown =>
    expect.objectContaining({ code, message: expect.stringMatching(message) });

  it("are told: without the actions, or by what they make of an array", async () => {
    const none = { name: "none", order: 2, sample: () => [1, 2] };
    await expect(measure(byVoxel, none as never)).rejects.toThrow(refused(/^group is an object/));
    const own = (act: unknown) => finiteGroup({ name: "own", elements: [0, 1], inverse: (e) => e, act: act as never });
    const short = (_: number, values: Float32Array) => values.subarray(1);
    await expect(measure(byVoxel, own(short))).rejects.toThrow(
      refused(/^what own makes of the input of sample 0 is 191 numbers, not an array of 192/, "bad-shape"),
    );
    await expect(
      measure(
        byVoxel,
        own(() => undefined),
      ),
    ).rejects.toThrow(refused(/is undefined, not/, "bad-shape"));
  });

  it("are told with GPU buffers, which the cube's rotations alone act on, or interpolating ones", async () => {
    const gpu = await testGpu();
    const views = samples.slice(0, 1).map((one) => ({
      input: gpu.upload("input", one.input),
      target: gpu.upload("target", one.target),
    }));
    const zero: Predict<BufferView> = (x) => x;
    const options = { input, gpu };
    for (const group of [translations({ size: SIZE }), channelPermutations(CHANNELS), fullOctahedral()]) {
      const text = new RegExp(`^the group ${group.name} does not act on GPU buffers`);
      await expect(measureEquivariance(zero, views, { ...options, group })).rejects.toThrow(refused(text));
    }
    const found = await measureEquivariance(zero, views, { ...options, group: cyclic4("y") });
    const host = await measureEquivariance((x) => x, samples.slice(0, 1), { input, group: cyclic4("y") });
    expect(found.rotations).toBe(4);
    expect(found.lossTotal).toBeCloseTo(host.lossTotal, 6);
    for (const view of views) for (const { buffer } of Object.values(view)) gpu.destroyBuffer(buffer);
  });
});
