import type { KernelCall, KernelContext } from "../../gpu/dispatch.ts";
import { elementCount } from "../../gpu/tensor.ts";
import type { Variant } from "../kernel.ts";
import type { HeldTile } from "../matmul/held.ts";
import { product, transposed, wholeMatrix } from "../matmul/product.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";
import type { GradWeightArgs } from "./conv3dShape.ts";

/** Splits of the rows: they keep a processor's cores busy, and few sums to be added. */
const SPLITS = 8;

/** The weight gradient of a kernel of 1, x^T gradY, as products over splits of the rows, which are then added. */
export function dispatchConv3dGradWeightHeld(ctx: KernelContext, args: GradWeightArgs & { variant: Variant }): void {
  const { label, gradWeight, variant: tiles, call } = args;
  const [left, right] = args.transposed ? [args.gradY, args.x] : [args.x, args.gradY];
  const [rows, columns] = gradWeight.shape.slice(-2) as [number, number];
  const all = elementCount(left.shape) / rows;
  const { DEPTH } = tiles.constants as HeldTile;
  const wanted = Math.min(SPLITS, affordableSplits(ctx.caps, gradWeight));
  const depth = Math.ceil(all / wanted / DEPTH) * DEPTH;
  const whole = Math.floor(all / depth);
  const rest = all - whole * depth;
  const sums = partialSums(ctx, label, [gradWeight], whole + Math.min(rest, 1));
  const splits = (samples: number, first: number, deep: number, of?: KernelCall) => {
    const begin = first * depth;
    product(ctx, {
      ...{ label, tiles, samples, rows, columns, depth: deep, ...(of && { call: of }) },
      a: transposed({ ...wholeMatrix(left, rows), offset: begin * rows, sample: deep * rows }),
      b: { ...wholeMatrix(right, columns), offset: begin * columns, sample: deep * columns },
      out: { ...wholeMatrix(sums.partial, columns), offset: first * rows * columns, sample: rows * columns },
    });
  };
  if (whole > 0) splits(whole, 0, depth, call);
  if (rest > 0) splits(1, whole, rest, whole > 0 ? undefined : call);
  sums.add();
}
