import sortCountShader from "../../../shaders/neighbours/sortCount.wgsl";
import sortOffsetShader from "../../../shaders/neighbours/sortOffset.wgsl";
import sortPlaceShader from "../../../shaders/neighbours/sortPlace.wgsl";
import sortTotalShader from "../../../shaders/neighbours/sortTotal.wgsl";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { threads1d, WORKGROUP } from "../threads.ts";

export const sortShaders = [sortCountShader, sortTotalShader, sortOffsetShader, sortPlaceShader];

/** Of a digit: more would take longer to count than another pass does. */
const MOST_BITS = 8;

export interface SortArgs {
  label: string;
  /** u32 [structures, items], a key is keys - structure base, or `most` where that is above. */
  keys: Tensor;
  structures: number;
  items: number;
  base: number;
  most: number;
  /** Written, u32 [structures, items], items in the order of their keys, those of equal ones in their own. */
  sorted: Tensor;
}

/** A stable sort of each structure's items; one whose key is `most` becomes 0xffffffff. */
export function sortByKey(ctx: KernelContext, args: SortArgs): void {
  const { label, keys, structures, items, base, most, sorted } = args;
  const bits = Math.max(1, Math.ceil(Math.log2(most + 1)));
  const digits = Math.ceil(bits / MOST_BITS);
  const BINS = 2 ** Math.ceil(bits / digits);
  // Counts take no more room than half of the items.
  const RUN = 2 * BINS;
  const runs = Math.ceil(items / RUN);
  const made = (name: string, shape: readonly number[]) => ctx.scratch(`${label} ${name}`, shape, "u32");
  let order: Tensor | undefined;
  for (let digit = 0; digit < digits; digit++) {
    const isLast = digit === digits - 1;
    const found = made("found", [structures, BINS, runs]);
    const totals = made("totals", [structures, BINS]);
    const offsets = made("offsets", [structures, BINS, runs]);
    const to = isLast ? sorted : made("order", [structures, items]);
    const constants = { WORKGROUP, BINS, RUN, FIRST: order === undefined };
    const params = { structures, items, runs, base, most, shift: digit * Math.log2(BINS) };
    const read = { keys, ...(order && { order }) };
    const bytesOf = (...tensors: readonly Tensor[]) => tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0);
    ctx.dispatch({
      label,
      shader: sortCountShader,
      constants,
      params,
      bindings: { ...read, found },
      workgroups: threads1d(structures * runs),
      flops: 0,
      bytes: bytesOf(...Object.values(read), found),
    });
    ctx.dispatch({
      label,
      shader: sortTotalShader,
      constants: { WORKGROUP },
      params: { totals: structures * BINS, runs },
      bindings: { found, totals },
      workgroups: threads1d(structures * BINS),
      flops: 0,
      bytes: bytesOf(found, totals),
    });
    ctx.dispatch({
      label,
      shader: sortOffsetShader,
      constants: { WORKGROUP, BINS },
      params: { structures, items, runs },
      bindings: { found, totals, offsets },
      workgroups: threads1d(structures * BINS),
      flops: 0,
      bytes: bytesOf(found, totals, offsets),
    });
    ctx.dispatch({
      label,
      shader: sortPlaceShader,
      constants: { ...constants, LAST: isLast },
      params,
      bindings: { ...read, offsets, sorted: to },
      workgroups: threads1d(structures * runs),
      flops: 0,
      bytes: bytesOf(...Object.values(read), offsets, to),
    });
    order = to;
  }
}
