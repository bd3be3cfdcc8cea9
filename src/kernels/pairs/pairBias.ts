import pairBiasShader from "../../../shaders/pairs/pairBias.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, onLavapipe, type CallShape, type Kernel, type VariantChoice } from "../kernel.ts";
import { hasLanes, LANES } from "../lanes.ts";
import { badShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { WORKGROUP } from "../threads.ts";

/** What `pairBias` takes. */
export interface PairBiasArgs {
  label: string;
  /** [b, pairs, P] */
  x: Tensor;
  /** f32 [P, heads] */
  matrix: Tensor;
  /** Written, [b, heads, pairs]. */
  y: Tensor;
}

/** Of one dispatch, which has sums of them all in variables; of more heads there are several dispatches. */
const MAX_HEADS = 8;

/**
 * y[b, h, p] = the sum over c of x[b, p, c] matrix[c, h]: attention's biases from what is known of pairs, head by head.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function pairBias(ctx: KernelContext, args: PairBiasArgs): void {
  requireArgs("pairBias", ctx, args, "x matrix y");
  const { label, x, matrix, y } = args;
  const { shape, vec4, params } = pairBiasLayout(label, x, matrix);
  requireShape(label, "y", y, [shape.samples, shape.heads, shape.pairs]);
  const { variant, call } = choose(ctx.caps, variants, shape, x.dtype);
  const blocks = Math.ceil(shape.pairs / (WORKGROUP * variant.constants.EACH!));
  for (const { firstHead, heads, share } of headChunks(shape.heads)) {
    ctx.dispatch({
      label,
      call,
      shader: pairBiasShader,
      constants: {
        ...variant.constants,
        ...{ HEADS: heads, WORKGROUP, VEC4: vec4, ...(hasLanes(ctx.caps) && { LANES }) },
        ...storage(label, { x, y }),
      },
      params: { ...params, firstHead, blocks },
      bindings: { x, matrix, y },
      workgroups: workgroups1d(shape.samples * blocks),
      flops: 2 * heads * elementCount(x.shape),
      bytes: byteLength(x) + share * (byteLength(matrix) + byteLength(y)),
    });
  }
}

/** Heads of each dispatch, and which share of all they are. */
export function headChunks(heads: number): { firstHead: number; heads: number; share: number }[] {
  return Array.from({ length: Math.ceil(heads / MAX_HEADS) }, (_, i) => {
    const count = Math.min(MAX_HEADS, heads - i * MAX_HEADS);
    return { firstHead: i * MAX_HEADS, heads: count, share: count / heads };
  });
}

/** Sizes of a call, checked. */
export function pairBiasLayout(label: string, x: Tensor, matrix: Tensor) {
  if (x.shape.length !== 3 || matrix.shape.length !== 2 || elementCount(matrix.shape) === 0) {
    throw badShape(label, "x must be [b, pairs, P], the matrix [P, heads]", { x, matrix });
  }
  const [samples, pairs, columns] = x.shape as [number, number, number];
  const heads = matrix.shape[1]!;
  requireShape(label, "matrix", matrix, [columns, heads]);
  const vec4 = columns % 4 === 0;
  const shape: PairBiasShape = { samples, pairs, columns, heads };
  return { shape, vec4, params: { samples, pairs, columns: vec4 ? columns / 4 : columns, heads } };
}

/** What the work of a call depends on. */
export interface PairBiasShape extends CallShape {
  readonly samples: number;
  readonly pairs: number;
  readonly columns: number;
  readonly heads: number;
}

export const describePairBias = ({ samples, pairs, columns, heads }: PairBiasShape) =>
  `${samples}x${pairs}x${columns}, ${heads} heads`;

/** What tests run; the last has more heads than a dispatch. */
export const pairBiasShapes: readonly PairBiasShape[] = [
  { samples: 2, pairs: 529, columns: 32, heads: 4 },
  { samples: 3, pairs: 49, columns: 5, heads: 1 },
  { samples: 1, pairs: 121, columns: 256, heads: 9 },
];

const variants: VariantChoice<PairBiasShape> = {
  kernel: "pairBias",
  of: () => [1, 2, 4].map((each) => ({ name: `${each} each`, constants: { EACH: each } })),
  table: [
    // Written out: bundlers keep what others are spread into.
    {
      adapter: "software",
      lanes: LANES,
      variant: "2 each",
      why: "8x5476x32, 4 heads 1.5 ms of a core, 1 each 2.0, 4 the same with twice the code",
      measured: "lavapipe",
    },
    onLavapipe("4 each", "without shuffles 2.8 ms of a core, 1 each 5.0"),
    { adapter: "any", variant: "1 each", why: "many threads" },
  ],
  describe: describePairBias,
};

/** What there is to know of `pairBias`. */
export const pairBiasKernel: Kernel<PairBiasShape> = {
  name: "pairBias",
  shaders: [pairBiasShader],
  variants,
  shapes: pairBiasShapes,
  example({ samples, pairs, columns, heads }) {
    return example({
      tensors: {
        x: activation(input([samples, pairs, columns])),
        matrix: input([columns, heads]),
        y: activation(output([samples, heads, pairs])),
      },
      terms: columns,
      emit: (ctx, tensors) => pairBias(ctx, { label: "pairBias", ...tensors }),
    });
  },
};
