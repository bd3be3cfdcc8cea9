import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { TorchTensor } from "../../../src/formats/torchObjects.ts";
import { decodeTorch, type TorchFile } from "../../../src/formats/torchFile.ts";
import { torchStream } from "../../../src/formats/torchWriter.ts";
import { encodeSafetensors, decodeSafetensors, type SafeTensor } from "../../../src/formats/safetensors.ts";
import { elementCount } from "../../../src/gpu/tensor.ts";
import { unetParameters } from "../../../src/models/unetLayout.ts";
import { toTorchShape } from "../../../src/training/checkpoint.ts";
import { VoxelDenoiser } from "../../../src/tasks/voxels/voxelDenoiser.ts";
import { unetConfig } from "../../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../../src/tasks/voxels/voxels.ts";
import { fromVoxmol, hasStem, toVoxmol } from "../../../src/tasks/voxels/voxmol.ts";
import type { ModelFile } from "../../../src/training/modelFile.ts";
import { testGpu } from "../../harness.ts";

const bytes = new Uint8Array(readFileSync(new URL("../../golden/checkpoint/voxmol.pth.tar", import.meta.url)));
const AVERAGED = "state_dict_ema";

type Dictionary = Map<string, TorchTensor>;
const rootOf = ({ root }: TorchFile) => root as unknown as Map<string, Dictionary>;

/** A file with other contents, whose tensors are the golden file's. */
function changed(file: TorchFile, change: (root: Map<string, Dictionary>) => void): TorchFile {
  const root = new Map(rootOf(file));
  change(root);
  return { ...file, root: root };
}

async function bytesOf(model: ModelFile): Promise<Uint8Array> {
  const { stream, contents } = toVoxmol(model);
  const pieces: Uint8Array[] = [];
  for await (const piece of torchStream(stream, contents)) pieces.push(piece);
  return Uint8Array.from(Buffer.concat(pieces));
}

/** The averaged weights as they lie in the file. */
async function weightsOf(file: TorchFile): Promise<SafeTensor[]> {
  const tensors: SafeTensor[] = [];
  for (const [name, tensor] of rootOf(file).get(AVERAGED)!) tensors.push(await file.read(tensor, name));
  return tensors;
}

const withoutPrefix = (name: string) => name.replace("module._orig_mod.", "");

describe("fromVoxmol", () => {
  let file: TorchFile;
  let model: ModelFile;
  beforeAll(async () => {
    file = await decodeTorch(bytes);
    model = await fromVoxmol(file);
  });

  it("takes the network from the weights, and the rest from the options", () => {
    expect(model.config).toMatchObject({
      task: "voxels",
      training: {
        ...{ preset: "qm9", elements: ["C", "H", "O", "N", "F"], grid: 16, sigma: 0.7, resolution: 0.25 },
        ...{ channels: [2, 4], blocks: 1, attention: [false, true], middleAttention: true, down: "k3s2" },
        ...{ groups: 2, dropout: 0.1, lr: 3e-5, batch: 4 },
      },
    });
    expect(model.step).toBeNaN();
    expect(model.file.metadata.epoch).toBe("7");
  });

  /** (N, C, X, Y, Z) as the checkpoint has grids, to (N, Z, Y, X, C) or, with `mirrored`, (N, X, Y, Z, C). */
  async function grids(name: string, mirrored = false): Promise<Float32Array> {
    const tensor = rootOf(file).get(name) as unknown as TorchTensor;
    const { shape, data } = await file.read(tensor, name);
    const [n, c, d] = shape as [number, number, number];
    const out = new Float32Array(data.length);
    let from = 0;
    for (let i = 0; i < n; i++) {
      for (let channel = 0; channel < c; channel++) {
        for (let x = 0; x < d; x++) {
          for (let y = 0; y < d; y++) {
            for (let z = 0; z < d; z++) {
              const place = mirrored ? (x * d + y) * d + z : (z * d + y) * d + x;
              out[(i * d ** 3 + place) * c + channel] = data[from++] as number;
            }
          }
        }
      }
    }
    return out;
  }

  it("gives a model that predicts what PyTorch did, on grids with the axes of ours", async () => {
    const denoiser = await VoxelDenoiser.load(await testGpu(), model);
    const error = async (mirrored: boolean) => {
      const [found, wanted] = [
        await denoiser.predict(await grids("grids", mirrored), [2, 4, 4, 4, 5]),
        await grids("prediction", mirrored),
      ];
      return Math.hypot(...found.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted);
    };
    expect(await error(false)).toBeLessThan(1e-5);
    expect(await error(true)).toBeGreaterThan(1e-2);
    denoiser.destroy();
  });

  it("comes back bitwise, by a file and by safetensors", async () => {
    const weights = await weightsOf(file);
    const written = await decodeTorch(await bytesOf(model));
    const again = await weightsOf(written);
    expect(again.map(({ name }) => name)).toEqual(weights.map(({ name }) => withoutPrefix(name)));
    expect(again.map(({ shape, data }) => ({ shape, data }))).toEqual(
      weights.map(({ shape, data }) => ({ shape, data })),
    );
    expect(rootOf(written).get("epoch")).toBe(7);
    expect(Object.fromEntries(rootOf(written).get("config")!)).toMatchObject({
      ...{ n_channels: 2, ch_mults: [1, 2], is_attn: [false, true], n_blocks: 1, n_groups: 2, dropout: 0.1 },
      ...{ elements: ["C", "H", "O", "N", "F"], grid_dim: 16, smooth_sigma: 0.7 },
    });
    expect({ ...(await fromVoxmol(written)), path: model.path }).toEqual(model);
    const ours = encodeSafetensors([...model.file.tensors.values()], model.file.metadata);
    expect(await bytesOf(await fromVoxmol(await decodeTorch(await bytesOf(model))))).toEqual(await bytesOf(model));
    expect(toVoxmol(ours).stream.specs.map(({ name }) => name)).toEqual([...model.file.tensors.keys()]);
  });

  it("takes weights as safetensors, with their kernels' axes reversed, in other types of numbers too", async () => {
    const network = { ...unetConfig(voxels.presets.qm9!), channels: [16, 32], blocks: 1, attention: [false, true] };
    const tensors = unetParameters(network).map(({ name, kind, shape }): SafeTensor => {
      const torch = toTorchShape(kind, shape);
      const bits = Uint16Array.from({ length: elementCount(shape) }, (_, i) => i % 1000);
      return { name: `net.${name}`, dtype: "BF16", shape: torch, data: bits };
    });
    const read = decodeSafetensors(encodeSafetensors(tensors));
    expect(hasStem(read)).toBe(true);
    const { config, file: found } = await fromVoxmol(read);
    expect(config.training).toMatchObject({ ...{ channels: [16, 32], groups: 16, grid: 32, sigma: 0.9 } });
    const stem = found.tensors.get("grid_projection.weight")!;
    expect(stem.dtype).toBe("BF16");
    // Where x, y and z are 2, 1 and 0 in the file they are 0, 1 and 2 here.
    expect(stem.data[(0 * 3 + 1) * 3 + 2]).toBe((2 * 3 + 1) * 3 + 0);
    expect(found.tensors.get("norm.bias")!.data).toEqual(tensors.find(({ name }) => name === "net.norm.bias")!.data);
  });

  it("cannot tell groups without the options", async () => {
    // Two channels do not make the reference's sixteen groups.
    const bare = changed(file, (root) => root.delete("config"));
    const refusal = { code: "bad-config", message: expect.stringMatching(/^x\.pt: .*16/) };
    await expect(fromVoxmol(bare, "x.pt")).rejects.toMatchObject(refusal);
  });

  it("takes other weights where there are no averaged ones, and names that were not wrapped", async () => {
    const plain = changed(file, (root) => {
      const averaged = root.get(AVERAGED)!;
      root.delete(AVERAGED);
      root.set("state_dict", new Map([...averaged].map(([name, tensor]) => [withoutPrefix(name), tensor])));
    });
    expect((await fromVoxmol(plain)).file.tensors).toEqual(model.file.tensors);
    const alone: TorchFile = { ...file, root: rootOf(file).get(AVERAGED)! };
    await expect(fromVoxmol(alone)).rejects.toMatchObject({ code: "bad-config" });
  });

  it.each<[string, (averaged: Dictionary, root: Map<string, Dictionary>) => unknown, RegExp]>([
    ["a missing weight", (all) => all.delete("module._orig_mod.norm.bias"), /1 missing \(norm\.bias\)$/],
    [
      "weights of another network",
      (all) => {
        for (let i = 0; i < 9; i++) all.set(`extra.${i}`, all.get("module._orig_mod.norm.bias")!);
      },
      /9 unexpected \(extra\.0, extra\.1, extra\.2, extra\.3, extra\.4, \.\.\.\)$/,
    ],
    [
      "a weight of another shape",
      (all) => all.set("module._orig_mod.norm.bias", all.get("module._orig_mod.final.bias")!),
      /1 of another shape \(norm\.bias \[5\] instead of \[2\]\)$/,
    ],
    ["two of one name", (all) => all.set("norm.bias", all.get("module._orig_mod.norm.bias")!), /are the same weight/],
    [
      "no stem",
      (all) => all.delete("module._orig_mod.grid_projection.weight"),
      /no grid_projection\.weight: its \d+ tensors are module\._orig_mod\.grid_projection\.bias, /,
    ],
    ["no weights", (_, root) => root.clear(), /no dictionary of weights/],
    [
      "weights that all are the same numbers",
      (all) => {
        const large = [...all.values()].reduce((a, b) => (a.storage.bytes > b.storage.bytes ? a : b));
        for (const name of all.keys()) all.set(name, large);
      },
      /share their numbers/,
    ],
  ])("refuses %s", async (_, change, message) => {
    const other = changed(file, (root) => {
      const averaged = new Map(root.get(AVERAGED));
      root.set(AVERAGED, averaged);
      root.delete("state_dict");
      change(averaged, root);
    });
    await expect(fromVoxmol(other, "x.pt")).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/Give a checkpoint|clone/),
    });
  });

  it("refuses options that cannot work", async () => {
    const other = changed(file, (root) => {
      root.set("config", new Map([["n_groups", 3]]) as unknown as Dictionary);
    });
    await expect(fromVoxmol(other)).rejects.toMatchObject({ code: "bad-config" });
  });
});
