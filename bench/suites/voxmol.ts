import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import type { BenchCase } from "../case.ts";
import { denoiserLayers, type DenoiserLayer } from "../denoiserLayers.ts";
import { forward as attentionCase } from "./attention.ts";
import { convCase, type ConvPass } from "./conv3d.ts";
import { transposed } from "./convTranspose3d.ts";

/**
 * The layers of VoxMol's whole denoiser (preset qm9) on one molecule, each distinct shape once: convolutions with both
 * gradients, transposed ones and attention. Linear layers are convolutions of kernel 1.
 */
export function voxmolCases(): BenchCase[] {
  const config = presets.qm9!;
  const distinct = new Map(
    denoiserLayers(unetConfig(config), config.grid).map((layer) => [JSON.stringify(layer), layer]),
  );
  return [...distinct.values()].flatMap(layerCases);
}

function layerCases(layer: DenoiserLayer): BenchCase[] {
  const suite = "voxmol";
  switch (layer.kind) {
    case "conv": {
      const { kernel, stride, ci, co, size } = layer;
      const shape = { batch: 1, ci, co, size, kernel, stride, padding: kernel === 3 ? 1 : 0 };
      const name = `${suite}/conv${kernel}${stride === 2 ? "s2" : ""}/${ci}-${co}@${size}`;
      const passes: ConvPass[] = ["conv3d", "gradInput", "gradWeight"];
      return passes.map((pass) =>
        convCase(suite, pass === "conv3d" ? name : `${name}/${pass}`, name, pass, shape, false),
      );
    }
    case "convTranspose":
      return transposed(suite, `convT/${layer.channels}@${layer.size}`, layer.channels, layer.size, false);
    case "attention": {
      const name = `${suite}/attention/${layer.channels}@${layer.size}`;
      return [attentionCase({ suite, name, tokens: layer.size ** 3, channels: layer.channels }, false)];
    }
  }
}
