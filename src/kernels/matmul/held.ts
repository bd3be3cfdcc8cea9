import matmulHeldShader from "../../../shaders/matmul/matmulHeld.wgsl";
import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import type { Variant } from "../kernel.ts";
import { LANES } from "../lanes.ts";
import { PARTS } from "./panel.ts";

/** What a variant of matmulHeld.wgsl runs: itself, and where nothing lies in groups of four, matmulPanel.wgsl. */
export const HELD_SHADERS = [matmulHeldShader, matmulPanelShader] as const;

/** ROWS and DEPTH of matmulHeld.wgsl, on the adapters that it is for. */
const HELD = [
  [4, 64],
  [4, 32],
] as const;

/** Tiles of matmulHeld.wgsl that are a choice. */
export interface HeldTile extends Record<string, number> {
  WORKGROUP: number;
  /** Rows of a turn, a multiple of 4. */
  ROWS: number;
  /** Rows of the right factor that are held, a multiple of 4 WORKGROUP. */
  DEPTH: number;
}

/** Workgroups along columns and along rows, and the tiles of rows of each. */
export function heldParts(
  { WORKGROUP, ROWS }: HeldTile,
  { samples, rows, columns }: { samples: number; rows: number; columns: number },
): { columnParts: number; rowTiles: number; rowParts: number } {
  const columnParts = Math.ceil(columns / (4 * WORKGROUP));
  const tiles = Math.ceil(rows / ROWS);
  const rowTiles = Math.ceil(tiles / Math.min(tiles, Math.ceil(PARTS / (samples * columnParts))));
  return { columnParts, rowTiles, rowParts: Math.ceil(tiles / rowTiles) };
}

/** The variants of matmulHeld.wgsl. */
export function heldVariants(): Variant[] {
  return HELD.map(([ROWS, DEPTH]) => {
    const constants: HeldTile = { WORKGROUP: LANES, ROWS, DEPTH };
    return { name: `held ${ROWS}x${DEPTH}`, shader: matmulHeldShader.name, constants };
  });
}

/** The tile of a variant of matmulHeld.wgsl. */
export function heldTileOf({ shader, constants }: Variant): HeldTile | undefined {
  return shader === matmulHeldShader.name ? (constants as HeldTile) : undefined;
}
