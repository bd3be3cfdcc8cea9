/** Tiles of matmulPanel.wgsl and attention/attentionFused.wgsl that are a choice. */
export interface LaneTile extends Record<string, number> {
  WORKGROUP: number;
  TILE_ROWS: number;
  TILE_COLUMNS: number;
}

/** Rows of the right factor that an invocation keeps at a time. */
const DEPTH = 256;

/** Most tiles of rows that it keeps the sums of. */
const TILES = 16;

/** Enough for a processor's cores: below them rows are split, for each part of which the right factor is loaded. */
export const PARTS = 8;

/** All specialisation constants of the shader that the operands do not tell. */
export function panelConstants(tile: LaneTile): Record<string, number> {
  return { ...tile, DEPTH, TILES };
}

/** Workgroups along columns and along rows, and the tiles of rows of each. */
export function panelParts(
  { WORKGROUP, TILE_ROWS, TILE_COLUMNS }: LaneTile,
  { samples, rows, columns }: { samples: number; rows: number; columns: number },
): { columnParts: number; rowTiles: number; rowParts: number } {
  const columnParts = Math.ceil(columns / (WORKGROUP * TILE_COLUMNS));
  const tiles = Math.ceil(rows / TILE_ROWS);
  const wanted = Math.min(tiles, Math.ceil(PARTS / (samples * columnParts)));
  const rowTiles = Math.ceil(tiles / Math.max(wanted, Math.ceil(tiles / TILES)));
  return { columnParts, rowTiles, rowParts: Math.ceil(tiles / rowTiles) };
}
