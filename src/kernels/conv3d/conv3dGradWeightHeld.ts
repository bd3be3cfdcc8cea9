import type { KernelCall, KernelContext } from "../../gpu/dispatch.ts";
import { elementCount } from "../../gpu/tensor.ts";
import type { Variant } from "../kernel.ts";
import { heldColumnParts, type HeldTile } from "../matmul/held.ts";
import { PARTS } from "../matmul/panel.ts";
import { product, transposed, wholeMatrix } from "../matmul/product.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";
import type { GradWeightArgs } from "./conv3dShape.ts";

/** Rows of the gradient that a workgroup makes at least: below, loading the right factor takes too much of its time. */
const ROWS_OF_PART = 128;

/**
 * The weight gradient of a kernel of 1, x^T gradY, as a product; where it is too small to keep a processor's cores
 * busy, as products over splits of the rows, which are then added.
 */
export function dispatchConv3dGradWeightHeld(ctx: KernelContext, args: GradWeightArgs & { variant: Variant }): void {
  const { label, gradWeight, variant: tiles, call } = args;
  const [left, right] = args.transposed ? [args.gradY, args.x] : [args.x, args.gradY];
  const [rows, columns] = gradWeight.shape.slice(-2) as [number, number];
  const all = elementCount(left.shape) / rows;
  const tile = tiles.constants as HeldTile;
  const parts = heldColumnParts(tile, columns) * Math.max(1, Math.floor(rows / ROWS_OF_PART));
  const a = transposed(wholeMatrix(left, rows));
  const b = wholeMatrix(right, columns);
  const of = { label, tiles, rows, columns };
  if (parts >= PARTS) {
    const out = wholeMatrix(gradWeight, columns);
    product(ctx, { ...of, call, samples: 1, depth: all, a, b, out, accumulate: true, readsOut: true });
    return;
  }
  const wanted = Math.min(Math.ceil(PARTS / parts), affordableSplits(ctx.caps, gradWeight));
  const depth = Math.ceil(all / wanted / tile.DEPTH) * tile.DEPTH;
  const whole = Math.floor(all / depth);
  const rest = all - whole * depth;
  const sums = partialSums(ctx, label, [gradWeight], whole + Math.min(rest, 1));
  const splits = (samples: number, first: number, deep: number, own?: KernelCall) => {
    const begin = first * depth;
    product(ctx, {
      ...{ ...of, samples, depth: deep, ...(own && { call: own }) },
      a: { ...a, offset: begin * rows, sample: deep * rows },
      b: { ...b, offset: begin * columns, sample: deep * columns },
      out: { ...wholeMatrix(sums.partial, columns), offset: first * rows * columns, sample: rows * columns },
    });
  };
  if (whole > 0) splits(whole, 0, depth, call);
  if (rest > 0) splits(1, whole, rest, whole > 0 ? undefined : call);
  sums.add();
}
