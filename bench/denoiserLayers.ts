import { unetLayout, type UNet3dConfig } from "../src/models/unetLayout.ts";

/** A layer of the denoiser that computes with weights, or its attention. */
export type DenoiserLayer =
  | { readonly kind: "conv"; readonly kernel: number; readonly stride: 1 | 2; readonly ci: number; readonly co: number; readonly size: number }
  | { readonly kind: "convTranspose"; readonly channels: number; readonly size: number }
  | { readonly kind: "attention"; readonly channels: number; readonly size: number };

/** Every layer in the order of the forward pass, `size` being the edge of its input. Linear layers are kernels of 1. */
export function denoiserLayers(config: UNet3dConfig, grid: number): DenoiserLayer[] {
  const { down, middle, up } = unetLayout(config);
  const layers: DenoiserLayer[] = [];
  let size = grid;
  const conv = (kernel: number, ci: number, co: number, stride: 1 | 2 = 1) => layers.push({ kind: "conv", kernel, stride, ci, co, size });
  const attend = (channels: number) => {
    conv(1, channels, 3 * channels);
    layers.push({ kind: "attention", channels, size });
    conv(1, channels, channels);
  };
  const residual = ({ inChannels, outChannels, shortcut }: (typeof middle)["res1"]) => {
    conv(3, inChannels, outChannels);
    if (shortcut) conv(1, inChannels, outChannels);
    conv(3, outChannels, outChannels);
  };
  conv(3, config.inChannels, config.channels[0]!);
  for (const item of down) {
    if (item.kind === "block") {
      residual(item.res);
      if (item.attention) attend(item.res.outChannels);
    } else {
      conv(item.kernel, item.channels, item.channels, 2);
      size /= 2;
    }
  }
  residual(middle.res1);
  if (middle.attention) attend(middle.res1.outChannels);
  residual(middle.res2);
  for (const item of up) {
    if (item.kind === "block") {
      residual(item.res);
      if (item.attention) attend(item.res.outChannels);
    } else {
      layers.push({ kind: "convTranspose", channels: item.channels, size });
      size *= 2;
    }
  }
  conv(3, config.channels[0]!, config.outChannels);
  return layers;
}

/** Operations of one sample, a multiply-add counted as two and padding as if it were there. */
export function layerFlops(layer: DenoiserLayer): number {
  switch (layer.kind) {
    case "conv":
      return 2 * (layer.size / layer.stride) ** 3 * layer.kernel ** 3 * layer.ci * layer.co;
    case "convTranspose":
      return 2 * layer.size ** 3 * 64 * layer.channels ** 2;
    case "attention":
      return 4 * layer.size ** 6 * layer.channels;
  }
}

export function denoiserFlops(config: UNet3dConfig, grid: number): number {
  return denoiserLayers(config, grid).reduce((sum, layer) => sum + layerFlops(layer), 0);
}
