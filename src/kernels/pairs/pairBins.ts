import pairBinsShader from "../../../shaders/pairs/pairBins.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, wholeOutput } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** Rows of the three tables of pairs: of the separation along the chain, and of both distances. */
export const PAIR_ROWS = { separation: 127, previous: 128, distance: 64 } as const;
/** All of them. */
export const PAIR_TABLE_ROWS = PAIR_ROWS.separation + PAIR_ROWS.previous + PAIR_ROWS.distance;

/** The lowest and the highest limit of bins, in nanometres. */
const FIRST = 0.1;
const LAST = 3;

/** What `pairBins` takes; b chains of S tokens, of which some are residues. */
export interface PairBinsArgs {
  label: string;
  /** f32 [b, S, 3], in nanometres. */
  x: Tensor;
  /** f32 [b, S, 3], other coordinates of the same residues, where there are any. */
  previous?: Tensor | undefined;
  /** f32 [1]: 0 where `previous` is not to count, as if it were left out. */
  present?: Tensor | undefined;
  /** f32 [b, S]: 0 where a token is none. */
  residues: Tensor;
  /** Written, u32 [b, S, S]: see shaders/pairs/pairBins.wgsl. */
  bins: Tensor;
}

/**
 * The bins of all pairs of residues: of their separation i - j, of their distance in x (63 limits evenly from 0.1 to 3
 * nm) and in `previous` (127 limits). A bin is the number of limits strictly below the distance.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function pairBins(ctx: KernelContext, args: PairBinsArgs): void {
  requireArgs("pairBins", ctx, args, "x residues bins");
  const { label, x, previous, present, residues, bins } = args;
  if (x.shape.length !== 3 || x.shape[2] !== 3) throw badShape(label, "x must be [b, S, 3]", { x });
  const [chains, side] = x.shape as [number, number, number];
  if (previous) requireShape(label, "previous", previous, x.shape);
  if (present) requireShape(label, "present", present, [1]);
  if (present && !previous) throw badShape(label, "'present' needs 'previous'", { present });
  requireShape(label, "residues", residues, [chains, side]);
  const count = chains * side * side;
  requireWords(label, "bins", bins, count);
  const perBin = (rows: number) => (rows - 2) / (LAST - FIRST);
  const read = { x, residues, ...(previous && { previous }), ...(present && { present }) };
  ctx.dispatch({
    label,
    shader: pairBinsShader,
    constants: { PREVIOUS: previous !== undefined, PRESENT: present !== undefined },
    params: {
      ...{ count, side, first: FIRST },
      ...{ perBin: perBin(PAIR_ROWS.distance), bins: PAIR_ROWS.distance },
      ...{ previousPerBin: perBin(PAIR_ROWS.previous), previousBins: PAIR_ROWS.previous },
    },
    bindings: { ...read, bins },
    workgroups: threads1d(count),
    flops: (previous ? 24 : 12) * count,
    bytes: Object.values({ ...read, bins }).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What the work of a call depends on. */
export interface PairBinsShape extends CallShape {
  readonly chains: number;
  readonly side: number;
  /** 1: there are other coordinates. */
  readonly previous: number;
  /** 1 or 0: a tensor says whether they count; -1: there is none. */
  readonly present: number;
}

/** Residues of an example: not the first token, nor every fifth. */
export const exampleResidues = (chains: number, side: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: chains * side }, (_, at) => (side > 1 && (at % side) % 5 === 0 ? 0 : 1));

/** What there is to know of `pairBins`. */
export const pairBinsKernel: Kernel<PairBinsShape> = {
  name: "pairBins",
  shaders: [pairBinsShader],
  shapes: [
    { chains: 2, side: 90, previous: 1, present: -1 },
    { chains: 3, side: 7, previous: 0, present: -1 },
    { chains: 2, side: 9, previous: 1, present: 1 },
    { chains: 2, side: 9, previous: 1, present: 0 },
    { chains: 1, side: 1, previous: 1, present: -1 },
  ],
  example({ chains, side, previous, present }) {
    return example({
      tensors: {
        x: input([chains, side, 3]),
        ...(previous === 1 && { previous: input([chains, side, 3]) }),
        ...(present >= 0 && { present: input([1], Float32Array.of(present)) }),
        residues: input([chains, side], exampleResidues(chains, side)),
        bins: wholeOutput([chains, side, side]),
      },
      terms: 0,
      emit: (ctx, tensors) => pairBins(ctx, { label: "pairBins", ...tensors }),
    });
  },
};
