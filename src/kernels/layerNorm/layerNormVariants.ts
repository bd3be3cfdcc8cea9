import { workgroups1d, type Dispatch } from "../../gpu/dispatch.ts";
import { WORKGROUP } from "../threads.ts";
import { onLavapipe, type CallShape, type TableRow, type Variant, type VariantChoice } from "../kernel.ts";

/** What the work of a call depends on: sizes and switches. */
export interface LayerNormShape extends CallShape {
  readonly rows: number;
  readonly channels: number;
  /** 1: no mean is subtracted. */
  readonly rms: number;
  /** 1: there is a weight; 2: and a bias. */
  readonly affine: number;
}

const TEAMS = [1, 4, 8, 16, 32];

const table: readonly TableRow<LayerNormShape>[] = [
  onLavapipe("team of 1", "4096x512 2.7 ms, team of 8 3.5, of 32 8.9; 6720x64 0.5, 1.2 and 4.7"),
  { adapter: "any", when: ({ channels }) => channels > 128, variant: "team of 32", why: "neighbours load neighbours" },
  { adapter: "any", variant: "team of 8", why: "short rows, four numbers a load" },
];

const variants = (kernel: string): VariantChoice<LayerNormShape> => ({
  kernel,
  of: () => TEAMS.map((team): Variant => ({ name: `team of ${team}`, constants: { TEAM: team } })),
  table,
  describe: ({ rows, channels, rms, affine }) =>
    `${rows}x${channels}${rms ? ", rms" : ""}${["", ", weight", ", weight and bias"][affine]}`,
});

export const layerNormVariants = variants("layerNorm");
export const layerNormGradVariants = variants("layerNormGrad");

/** Workgroups of shaders/shared/rowTeam.wgsl. */
export function teamWorkgroups(rows: number, { constants }: Variant): Dispatch["workgroups"] {
  return workgroups1d(Math.ceil((rows * constants.TEAM!) / WORKGROUP));
}

/** What tests run. */
export const layerNormShapes: readonly LayerNormShape[] = [
  { rows: 37, channels: 20, rms: 0, affine: 2 },
  { rows: 150, channels: 67, rms: 1, affine: 1 },
  { rows: 5, channels: 260, rms: 0, affine: 1 },
  { rows: 9, channels: 3, rms: 1, affine: 0 },
];
