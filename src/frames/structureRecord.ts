import type { FloorRecord } from "./floor.ts";
import type { TermRecord } from "./termTally.ts";

/** What one structure adds: data, so that it can be kept and added elsewhere, to the last bit. */
export interface StructureRecord {
  /** Number of the original frame. */
  readonly frame: number;
  readonly copies: number;
  /** Name of the group. */
  readonly group: string;
  readonly exact: boolean;
  /** By name; without `measured` where predictions are too few for all but the floor. */
  readonly terms: Readonly<Record<string, { readonly floor: FloorRecord; readonly measured?: TermRecord }>>;
}
