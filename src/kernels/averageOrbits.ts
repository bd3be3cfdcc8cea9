import averageOrbitsShader from "../../shaders/averageOrbits.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { example, input, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { badShape } from "./shapes.ts";
import { threads1d } from "./threads.ts";

/** What `averageOrbits` takes. */
export interface AverageOrbitsArgs {
  label: string;
  /** u32 [orbits + 1], where each orbit's members begin, and where the last one's end. */
  starts: Tensor;
  /** u32: entries of `values`, orbit after orbit; each once at most. */
  members: Tensor;
  /** f32, changed in place. */
  values: Tensor;
}

/**
 * Replaces entries of a vector by the mean of those that belong together: the projection onto vectors that are constant
 * on each orbit. Sums are in f32, in the order of `members`; all entries of an orbit end bitwise equal.
 *
 * @throws VoxtwirlError "bad-shape" for starts of no orbit
 */
export function averageOrbits(ctx: KernelContext, args: AverageOrbitsArgs): void {
  requireArgs("averageOrbits", ctx, args, "starts members values");
  const { label, starts, members, values } = args;
  const orbits = elementCount(starts.shape) - 1;
  if (orbits < 1) throw badShape(label, "'starts' must hold an orbit's and where it ends", { starts });
  const moved = elementCount(members.shape);
  ctx.dispatch({
    label,
    shader: averageOrbitsShader,
    params: { orbits },
    bindings: { starts, members, values },
    workgroups: threads1d(orbits),
    flops: moved + orbits,
    bytes: byteLength(starts) + byteLength(members) + 8 * moved,
  });
}

/** What the work of a call depends on: orbits of as many members each, which are strewn over the vector. */
export interface AverageOrbitsShape extends CallShape {
  readonly orbits: number;
  readonly size: number;
}

/** What there is to know of `averageOrbits`. */
export const averageOrbitsKernel: Kernel<AverageOrbitsShape> = {
  name: "averageOrbits",
  shaders: [averageOrbitsShader],
  shapes: [
    { orbits: 70, size: 24 },
    { orbits: 129, size: 3 },
    { orbits: 1, size: 1 },
  ],
  example({ orbits, size }) {
    const starts = Uint32Array.from({ length: orbits + 1 }, (_, o) => o * size);
    const members = Uint32Array.from({ length: orbits * size }, (_, i) => Math.floor(i / size) + (i % size) * orbits);
    return example({
      tensors: {
        starts: input([orbits + 1], starts),
        members: input([orbits * size], members),
        values: sum([orbits * size]),
      },
      terms: size,
      emit: (ctx, tensors) => averageOrbits(ctx, { label: "averageOrbits", ...tensors }),
    });
  },
};
