import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureEquivariance } from "../../../src/equivariance/measure.ts";
import { octahedral } from "../../../src/equivariance/groups.ts";
import { BufferUsage, Gpu } from "../../../src/gpu/gpu.ts";
import { Graph } from "../../../src/graph/graph.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { Plan } from "../../../src/graph/plan.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { unet3d } from "../../../src/models/unet3d.ts";
import { unetParameters } from "../../../src/models/unetLayout.ts";
import { openAdapter } from "../../../src/node/open.ts";
import { withNap } from "../../../src/node/nap.ts";
import { Random } from "../../../src/random.ts";
import { modelTensors } from "../../../src/training/checkpoint.ts";
import { RUN_CONFIG_FORMAT, runMetadata } from "../../../src/training/runConfig.ts";
import { presets } from "../../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../../src/tasks/voxels/voxels.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors.ts";
import { VoxelDenoiser } from "../../../src/tasks/voxels/voxelDenoiser.ts";
import { relativeError, testGpu } from "../../harness.ts";

const GRID = 8;
const config = voxels.check({
  ...presets.tiny!,
  ...{ grid: GRID, resolution: 1, channels: [4, 8], attention: [false, true], groups: 2, elements: ["C", "H"] },
});
const CHANNELS = 2;
const parameters = unetParameters(unetConfig(config));
const random = new Random(1);
const noise = (...shape: number[]) =>
  Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => random.normal());
const cubes = (count: number) => noise(count, GRID, GRID, GRID, CHANNELS);

describe("VoxelDenoiser", () => {
  let gpu: Gpu;
  let bytes: Uint8Array;
  let model: VoxelDenoiser;
  /** The same network by hand, on weights that were never in a file. */
  let byHand: (x: Float32Array, shape: readonly number[]) => Promise<Float32Array>;
  let store: ParameterStore;
  beforeAll(async () => {
    gpu = await testGpu();
    store = new ParameterStore(gpu, parameters, ["weights", "ema"]);
    initialise(store, parameters, 3);
    const data = { source: "builtin", sha256: "ab", splitSeed: 1, training: 1, heldout: 1, skipped: 0 };
    const run = {
      format: RUN_CONFIG_FORMAT,
      version: "1",
      task: voxels.name,
      training: config,
      data,
      adapter: "",
    } as const;
    bytes = encodeSafetensors(await modelTensors(store, parameters), { ...runMetadata(run), step: "7" });
    model = await VoxelDenoiser.load(gpu, bytes);
    byHand = async (values, shape) => {
      const graph = new Graph(gpu.caps);
      const view = gpu.upload("x", values);
      const parameter = store.bind(graph, { constants: "weights" });
      const y = graph.keep(unet3d(graph, unetConfig(config), graph.external("x", shape, view), { parameter }));
      const plan = await Plan.create(gpu, graph, { label: "by hand" });
      plan.run();
      const [read] = await plan.read(y);
      plan.destroy();
      gpu.destroyBuffer(view.buffer);
      return read as Float32Array;
    };
  });
  afterAll(() => {
    model.destroy();
    store.destroy();
  });

  it("says what it was trained with", () => {
    expect(model.config).toEqual(config);
    expect(model.step).toBe(7);
    expect(model.precision).toBe("f32");
  });

  it("predicts as the network by hand, for other numbers and sizes of grids from call to call", async () => {
    for (const shape of [
      [1, GRID, GRID, GRID],
      [3, GRID, GRID, GRID],
      [2, 4, 6, 10],
      [1, GRID, GRID, GRID],
    ]) {
      const full = [...shape, CHANNELS];
      const x = noise(...full);
      const kept = x.slice();
      const cube = shape[1] === GRID;
      const found = await (cube ? model.predict(x) : model.predict(x, full));
      expect(found).toEqual(await byHand(x, full));
      expect(x).toEqual(kept);
    }
  });

  it("takes calls that do not wait for each other, and inputs that change after the call", async () => {
    const inputs = [1, 2, 3, 4, 5, 6].map(cubes);
    const expected = await Promise.all(inputs.map((x, i) => byHand(x, [i + 1, GRID, GRID, GRID, CHANNELS])));
    const found = inputs.map((x) => {
      const predicted = model.predict(x);
      x.fill(0);
      return predicted;
    });
    expect(await Promise.all(found)).toEqual(expected);
  });

  it("keeps the plans of the last few shapes alone", async () => {
    const before = gpu.allocatedBytes;
    const held: number[] = [];
    for (const count of [1, 2, 3, 4, 5, 6, 7, 8, 4, 5]) {
      await model.predict(cubes(count));
      held.push(gpu.allocatedBytes - before);
    }
    await model.predict(cubes(4));
    await model.predict(cubes(5));
    // 7, 8, 4 and 5 are there: nothing is made anew.
    expect(gpu.allocatedBytes - before).toBe(held.at(-1));
    expect(held.at(-1)).toBeLessThan(held[7]!);
  });

  it("goes from a caller's buffer to a caller's buffer, in the caller's order", async () => {
    const x = cubes(2);
    const usage = BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    const make = (label: string) => gpu.createBuffer(label, 4 + x.byteLength, usage);
    const view = (buffer: GPUBuffer) => ({ buffer, offset: 4, size: x.byteLength });
    const [from, to, twice] = [make("from"), make("to"), make("twice")].map(view) as [never, never, never];
    gpu.write(from, x);
    await Promise.all([model.run(from, to), model.run(to, twice), model.run(from, from)]);
    const shape = [2, GRID, GRID, GRID, CHANNELS];
    const once = await byHand(x, shape);
    const found = (await gpu.read(to, twice, from)).map((read) => new Float32Array(read));
    expect(found).toEqual([once, await byHand(once, shape), once]);
    for (const { buffer } of [from, to, twice] as { buffer: GPUBuffer }[]) gpu.destroyBuffer(buffer);
  });

  it("does one part after another where not all fit", async () => {
    const x = cubes(60);
    const before = gpu.allocatedBytes;
    const roomy = await VoxelDenoiser.load(gpu, bytes);
    await roomy.predict(x);
    const { adapter } = await openAdapter();
    const small = await Gpu.open(adapter, { wait: withNap, memoryBudget: 0.7 * (gpu.allocatedBytes - before) });
    roomy.destroy();
    const tight = await VoxelDenoiser.load(small, bytes);
    const found = await tight.predict(x);
    expect(relativeError(found, await byHand(x, [60, GRID, GRID, GRID, CHANNELS]))).toBeLessThan(1e-5);
    // In place: the last part is none that was done before.
    const usage = BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    const view = { buffer: small.device.createBuffer({ size: x.byteLength, usage }), offset: 0, size: x.byteLength };
    small.write(view, x);
    await tight.run(view, view);
    expect(new Float32Array((await small.read(view))[0]!)).toEqual(found);
    const all = tight.predict(new Float32Array(64 ** 3 * CHANNELS), [1, 64, 64, 64, CHANNELS]);
    await expect(all).rejects.toMatchObject({ code: expect.stringMatching(/out-of-memory|too-large/) });
    expect(await tight.predict(x)).toEqual(found);
    tight.destroy();
    expect(small.allocatedBytes).toBe(0);
    small.destroy();
  });

  it("is measured in one line", async () => {
    const samples = [{ input: cubes(1), target: cubes(1) }];
    const input = { kind: "grid", size: GRID, channels: CHANNELS } as const;
    const measured = await measureEquivariance((grids) => model.predict(grids), samples, {
      group: octahedral(),
      input,
    });
    // An untrained network with a convolution of an even kernel is not equivariant.
    expect(measured.percentEquiv).toBeGreaterThan(0.001);
  });

  it("frees all that it made, and is of no use then", async () => {
    await gpu.finish();
    const before = gpu.allocatedBytes;
    const other = await VoxelDenoiser.load(gpu, bytes);
    const under = other.predict(cubes(1));
    await under;
    const compiling = other.predict(cubes(9));
    const caught = expect(compiling).rejects.toMatchObject({ code: "destroyed" });
    await Promise.resolve();
    other.destroy();
    other.destroy();
    await caught;
    expect(gpu.allocatedBytes).toBe(before);
    await expect(other.predict(cubes(1))).rejects.toMatchObject({ code: "destroyed" });
    expect(() => other.forward(new Graph(gpu.caps), {} as never)).toThrow(/destroyed/);
  });

  it("refuses what it cannot load", async () => {
    const cut = VoxelDenoiser.load(gpu, bytes.slice(0, 100));
    await expect(cut).rejects.toMatchObject({ code: "bad-file", message: /^the model file is not/ });
    const bare = VoxelDenoiser.load(gpu, encodeSafetensors([]));
    await expect(bare).rejects.toMatchObject({ code: "bad-file", message: /does not say how its model is built/ });
  });
});
