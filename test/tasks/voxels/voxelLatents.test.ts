import { beforeAll, describe, expect, it } from "vitest";
import { FeatureTally } from "../../../src/analysis/featureTally.ts";
import { measureLatents, type LatentResult } from "../../../src/analysis/latents.ts";
import { octahedral } from "../../../src/equivariance/groups.ts";
import { OCTAHEDRAL_ORDER, octahedralMatrices, rotateGridOctahedral } from "../../../src/equivariance/octahedral.ts";
import { projectKernel } from "../../../src/equivariance/projection.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../src/formats/safetensors.ts";
import { Gpu } from "../../../src/gpu/gpu.ts";
import { elementCount, type Tensor } from "../../../src/gpu/tensor.ts";
import { Graph } from "../../../src/graph/graph.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { Plan } from "../../../src/graph/plan.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { unetParameters } from "../../../src/models/unetLayout.ts";
import { withNap } from "../../../src/node/nap.ts";
import { openAdapter } from "../../../src/node/open.ts";
import { taskNamed } from "../../../src/tasks/list.ts";
import { presets } from "../../../src/tasks/voxels/presets.ts";
import { unetConfig, type VoxelConfig } from "../../../src/tasks/voxels/voxelConfig.ts";
import { VoxelDenoiser } from "../../../src/tasks/voxels/voxelDenoiser.ts";
import { VoxelEvaluator } from "../../../src/tasks/voxels/voxelEvaluator.ts";
import { voxelLatents } from "../../../src/tasks/voxels/voxelLatents.ts";
import { voxels } from "../../../src/tasks/voxels/voxels.ts";
import { modelTensors } from "../../../src/training/checkpoint.ts";
import { modelOf, type ModelFile } from "../../../src/training/modelFile.ts";
import { RUN_CONFIG_FORMAT, runMetadata } from "../../../src/training/runConfig.ts";
import { randomArray, testGpu } from "../../harness.ts";
import { molecules } from "../../training/molecules.ts";

const GRID = 8;
const config = voxels.check({
  ...presets.tiny!,
  ...{ grid: GRID, resolution: 1, channels: [4, 8], attention: [false, true], middleAttention: true, groups: 2 },
  seed: 3,
});
const LAYERS = [
  ...["grid_projection", "down.0", "down.1", "down.2", "middle.res1", "middle.attn", "middle.res2"],
  ...["up.0", "up.1", "up.2", "up.3", "up.4", "final"],
];
const SIZES = [8, 8, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8];
const data = molecules(4, 2);

describe("the similarity of a voxel denoiser's hidden maps", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  /** A model file as training writes it; `change` may write other weights. */
  async function modelFile(
    given: VoxelConfig,
    change: (store: ParameterStore) => void,
  ): Promise<ModelFile<VoxelConfig>> {
    const parameters = unetParameters(unetConfig(given));
    const store = new ParameterStore(gpu, parameters, ["weights", "ema"]);
    initialise(store, parameters, given.seed);
    change(store);
    const source = { source: "builtin", sha256: "ab", splitSeed: 1, training: 1, heldout: 1, skipped: 0 };
    const run = {
      format: RUN_CONFIG_FORMAT,
      version: "1",
      task: voxels.name,
      training: given,
      data: source,
      adapter: "",
    };
    const bytes = encodeSafetensors(await modelTensors(store, parameters), { ...runMetadata(run as never), step: "7" });
    store.destroy();
    return modelOf(decodeSafetensors(bytes, "model"), taskNamed, "model") as ModelFile<VoxelConfig>;
  }

  /** Every weight at random, convolutions averaged over the rotations of the cube. */
  function projected(store: ParameterStore): void {
    unetParameters(unetConfig(config)).forEach(({ name, kind, shape }, i) => {
      if (kind !== "conv" && kind !== "convTranspose") return;
      store.write(name, projectKernel(randomArray(elementCount(shape), 100 + i, 0.2), shape[0]!), "ema");
    });
  }

  const random = (store: ParameterStore) =>
    unetParameters(unetConfig(config)).forEach(({ name, shape, trained }, i) => {
      if (trained) store.write(name, randomArray(elementCount(shape), 100 + i, 0.3), "ema");
    });

  async function measure(model: ModelFile<VoxelConfig>, count = data.count): Promise<LatentResult> {
    const measurer = await voxelLatents(gpu, { model, data, seed: 5, precision: "f32" });
    try {
      return await measureLatents(
        measurer,
        Array.from({ length: count }, (_, i) => i),
      );
    } finally {
      measurer.destroy();
    }
  }

  it("is 1 at every layer for every rotation where all kernels are projected, and not before", async () => {
    const before = gpu.allocatedBytes;
    const result = await measure(await modelFile(config, projected));
    expect(result.samples).toBe(4);
    expect(result.layers.map(({ name }) => name)).toEqual(LAYERS);
    expect(result.layers.map(({ size }) => size)).toEqual(SIZES);
    expect(result.rotations.map(({ angle }) => Math.round(angle)).filter((angle) => angle === 90)).toHaveLength(6);
    for (const { name, trained, initial } of result.layers) {
      expect(trained.rotated.byRotation).toHaveLength(OCTAHEDRAL_ORDER);
      for (const { cosine, centred } of trained.rotated.byRotation) {
        expect(cosine.mean, name).toBeCloseTo(1, 6);
        expect(centred.mean, name).toBeCloseTo(1, 5);
      }
      expect(trained.others.samples).toBe(2);
      expect(trained.others.centred.mean, name).toBeLessThan(0.95);
      expect(initial.rotated.byRotation[0]!.cosine).toEqual({ mean: 1, stdErr: 0 });
      expect(initial.rotated.centred.mean, name).toBeLessThan(0.97);
    }
    expect(gpu.allocatedBytes).toBe(before);
  });

  it("is 1 down to the first kernel of 3 with stride 2, and from there on below", async () => {
    const k3s2 = voxels.check({ ...config, down: "k3s2" });
    const parameters = unetParameters(unetConfig(k3s2));
    const model = await modelFile(k3s2, (store) => {
      parameters.forEach(({ name, kind, shape }, i) => {
        if (kind !== "conv" && kind !== "convTranspose") return;
        store.write(name, projectKernel(randomArray(elementCount(shape), 100 + i, 0.2), shape[0]!), "ema");
      });
    });
    const { layers } = await measure(model, 2);
    for (const { name, trained } of layers) {
      const { mean } = trained.rotated.centred;
      if (name === "grid_projection" || name === "down.0") expect(mean, name).toBeCloseTo(1, 6);
      else expect(mean, name).toBeLessThan(0.999);
    }
  });

  it("is that of the maps by hand, for inputs posed and noised as evaluations have them", async () => {
    const model = await modelFile(config, random);
    const result = await measure(model, 2);
    const denoiser = await VoxelDenoiser.load(gpu, model);
    const { grid, resolution, sigma, shift } = config;
    const evaluator = await VoxelEvaluator.create(
      gpu,
      {
        ...{ molecules: data, grid, channels: 5, resolution, sigma, shift, twirl: 24, seed: 5 },
        streams: { pose: 2, noise: 3 },
      },
      (graph, x) => denoiser.forward(graph, x),
    );
    const [layer, size, channels] = [LAYERS.indexOf("down.2"), 4, 8];
    const how = { kind: "grid", size, channels } as const;
    const options = { layers: [{ name: "", how, channels }], group: octahedral(), rotations: octahedralMatrices };
    const tally = new FeatureTally(options);
    const graph = new Graph(gpu.caps);
    const view = gpu.upload("x", new Float32Array(GRID ** 3 * 5));
    const maps = new Map<string, Tensor>();
    denoiser.forward(graph, graph.external("x", [1, GRID, GRID, GRID, 5], view), (name, tensor) =>
      maps.set(name, graph.keep(tensor)),
    );
    const plan = await Plan.create(gpu, graph);
    for (const index of [0, 1]) {
      const { noisy } = await evaluator.sample(index);
      tally.begin();
      for (let g = 0; g < OCTAHEDRAL_ORDER; g++) {
        gpu.write(view, rotateGridOctahedral(noisy, GRID, 5, g));
        plan.run();
        const [values] = await plan.read(maps.get("down.2")!);
        tally.add(0, g, values as Float32Array);
      }
      tally.end();
    }
    plan.destroy();
    gpu.destroyBuffer(view.buffer);
    evaluator.destroy();
    denoiser.destroy();
    const [byHand] = tally.result();
    const { trained } = result.layers[layer]!;
    for (const which of ["rotated", "others"] as const) {
      const found = trained[which].byRotation.map(({ cosine, centred }) => [cosine.mean, centred.mean]);
      const expected = byHand![which].byRotation.map(({ cosine, centred }) => [cosine.mean, centred.mean]);
      found.flat().forEach((mean, i) => expect(mean).toBeCloseTo(expected.flat()[i]!, 5));
    }
    expect(trained.rotated.cosine.mean).toBeLessThan(0.9);
  });

  it("gives the initial network's figures twice where the model is the initial network", async () => {
    const { layers } = await measure(await modelFile(config, () => undefined), 3);
    for (const { trained, initial } of layers) expect(trained).toEqual(initial);
  });

  it("does one part of the rotations after another where not all fit, and no more layers than asked for", async () => {
    const model = await modelFile(config, random);
    const options = {
      model,
      data,
      seed: 5,
      precision: "f32",
      layers: (name: string) => name.startsWith("up"),
    } as const;
    const before = gpu.allocatedBytes;
    const roomy = await voxelLatents(gpu, options);
    const { adapter } = await openAdapter();
    const small = await Gpu.open(adapter, { wait: withNap, memoryBudget: 0.4 * (gpu.allocatedBytes - before) });
    const tight = await voxelLatents(small, options);
    const [all, parts] = [await measureLatents(roomy, [1, 3]), await measureLatents(tight, [1, 3])];
    expect(all.layers.map(({ name }) => name)).toEqual(LAYERS.filter((name) => name.startsWith("up")));
    all.layers.forEach(({ trained }, i) => {
      const found = parts.layers[i]!.trained.rotated.byRotation.map(({ cosine }) => cosine.mean);
      trained.rotated.byRotation.forEach(({ cosine }, k) => expect(found[k]).toBeCloseTo(cosine.mean, 6));
    });
    roomy.destroy();
    tight.destroy();
    expect(gpu.allocatedBytes).toBe(before);
    expect(small.allocatedBytes).toBe(0);
    small.destroy();
    const none = voxelLatents(gpu, { ...options, layers: () => false });
    await expect(none).rejects.toMatchObject({ code: "no-data" });
    expect(gpu.allocatedBytes).toBe(before);
  });

  it("tells how far it is, and what it knows when it is stopped", async () => {
    const model = await modelFile(config, random);
    const measurer = await taskNamed("voxels").latents(gpu, { model, data, seed: 5, precision: "f32" });
    const controller = new AbortController();
    const told: number[][] = [];
    const onProgress = (done: number, total: number) => {
      told.push([done, total]);
      if (done === 2) controller.abort();
    };
    const result = await measureLatents(measurer, [0, 1, 2], { signal: controller.signal, onProgress });
    expect(told).toEqual([
      [1, 3],
      [2, 3],
    ]);
    expect(result).toMatchObject({ samples: 2, interrupted: true });
    expect(JSON.parse(JSON.stringify(result))).toMatchObject({ samples: 2, layers: { length: LAYERS.length } });
    const { signal } = controller;
    await expect(measureLatents(measurer, [0], { signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(measureLatents(measurer, [4])).rejects.toThrow(/index is 4/);
    expect((await measureLatents(measurer, [3])).interrupted).toBe(false);
    expect(measurer.result().samples).toBe(3);
    measurer.destroy();
  });
});
