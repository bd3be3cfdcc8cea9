import matmulHeldShader from "../../../shaders/matmul/matmulHeld.wgsl";
import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import type { Variant } from "../kernel.ts";
import { LANES } from "../lanes.ts";
import { PARTS } from "./panel.ts";

/** What a variant of matmulHeld.wgsl runs: itself, and where nothing lies in groups of four, matmulPanel.wgsl. */
export const HELD_SHADERS = [matmulHeldShader, matmulPanelShader] as const;

/** Rows of the right factor that are held, and fours of columns of a lane, on the adapters that the shader is for. */
const HELD = [
  [64, 2],
  [64, 1],
  [32, 2],
] as const;

/** Rows of the left factor that a workgroup takes at least. */
const GROUP = 4;

/** Tiles of matmulHeld.wgsl that are a choice. */
export interface HeldTile extends Record<string, number> {
  WORKGROUP: number;
  /** A multiple of 4 WORKGROUP. */
  DEPTH: number;
  QUADS: number;
}

/** Workgroups along columns. */
export function heldColumnParts({ WORKGROUP, QUADS }: HeldTile, columns: number): number {
  return Math.ceil(columns / (4 * QUADS * WORKGROUP));
}

/** Workgroups along columns and along rows, and the tiles of rows of each. */
export function heldParts(
  tile: HeldTile,
  { samples, rows, columns }: { samples: number; rows: number; columns: number },
): { columnParts: number; rowTiles: number; rowParts: number } {
  const columnParts = heldColumnParts(tile, columns);
  const tiles = Math.ceil(rows / GROUP);
  const rowTiles = Math.ceil(tiles / Math.min(tiles, Math.ceil(PARTS / (samples * columnParts))));
  return { columnParts, rowTiles, rowParts: Math.ceil(tiles / rowTiles) };
}

/** The variants of matmulHeld.wgsl. */
export function heldVariants(): Variant[] {
  return HELD.map(([depth, quads]) => heldVariant(depth, quads));
}

function heldVariant(DEPTH: number, QUADS: number): Variant {
  const constants: HeldTile = { WORKGROUP: LANES, DEPTH, QUADS };
  return { name: `held ${DEPTH}x${4 * QUADS * LANES}`, shader: matmulHeldShader.name, constants };
}

/** A variant for products of so few columns among others: one of matmulHeld.wgsl that makes no more than these. */
export function narrowed(variant: Variant, columns: number): Variant {
  const tile = heldTileOf(variant);
  return tile && tile.QUADS > 1 && columns <= 4 * tile.WORKGROUP ? heldVariant(64, 1) : variant;
}

/** The tile of a variant of matmulHeld.wgsl. */
export function heldTileOf({ shader, constants }: Variant): HeldTile | undefined {
  return shader === matmulHeldShader.name ? (constants as HeldTile) : undefined;
}
