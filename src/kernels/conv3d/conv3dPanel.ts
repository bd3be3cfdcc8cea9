import conv3dPanelShader from "../../../shaders/conv3d/conv3dPanel.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d } from "../../gpu/dispatch.ts";
import type { DType } from "../../gpu/tensor.ts";
import { hasLanes, LANES } from "../lanes.ts";
import type { Variant } from "../kernel.ts";
import type { ConvProblem } from "./conv3dBlocks.ts";
import type { PolyphaseConv } from "./conv3dPolyphase.ts";
import { isPointwise, weightStrides, type ConvDispatch } from "./conv3dShape.ts";

/**
 * Input channels of a panel, the first that is enough: with eight channels a lane the last one takes 256 KB, a part of
 * a second-level cache. Each is a pipeline, so they are few.
 */
const DEPTHS = [32, 64, 128, 256, 1024];
const DEPTH = 1024;

/** Enough for a processor's cores: below them rows are split, for each part of which the panel is loaded. */
const PARTS = 8;

/** Whether conv3dPanel.wgsl can make a convolution, on an adapter of the kind that it is for. */
export function conv3dPanelFits(caps: GpuCaps, { sizes, stride, pad }: ConvProblem, dtype: DType): boolean {
  const parts = sizes.inputChannels > DEPTH;
  return hasLanes(caps) && isPointwise({ kernel: sizes.kernel, stride, pad }) && !(parts && dtype === "f16");
}

/** The variant and its parameters for one shape; the caller adds operands. */
export function conv3dPanelDispatch({ sizes, exchanged }: PolyphaseConv, variant: Variant): ConvDispatch {
  const { ROWS, COLUMNS } = variant.constants as { ROWS: number; COLUMNS: number };
  const { batch, inputChannels, outputChannels, outputSize } = sizes;
  const rows = outputSize.reduce((product, n) => product * n, batch);
  const columnParts = Math.ceil(outputChannels / (LANES * COLUMNS));
  const tiles = Math.ceil(rows / ROWS);
  const rowTiles = Math.ceil(tiles / Math.min(tiles, Math.ceil(PARTS / columnParts)));
  const { weightIn, weightOut } = weightStrides(sizes, exchanged, false);
  return {
    shader: conv3dPanelShader,
    constants: { ROWS, COLUMNS, DEPTH: DEPTHS.find((depth) => depth >= inputChannels) ?? DEPTH, WORKGROUP: LANES },
    params: { rows, inC: inputChannels, outC: outputChannels, columnParts, rowTiles, weightIn, weightOut },
    workgroups: workgroups1d(columnParts * Math.ceil(tiles / rowTiles)),
  };
}

/** ROWS x output channels of a panel. */
export function panelVariants(): Variant[] {
  const tiles = [
    [8, 8],
    [16, 4],
  ] as const;
  return tiles.map(([rows, columns]) => ({
    name: `panel ${rows}x${columns * LANES}`,
    shader: conv3dPanelShader.name,
    constants: { ROWS: rows, COLUMNS: columns },
  }));
}
