import placeChainsShader from "../../../shaders/flow/placeChains.wgsl";
import { requireArgs, requireWhole } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { WORKGROUP } from "../threads.ts";

/** What `placeChains` takes; b windows, S tokens each: registers, then residues, then padding. */
export interface PlaceChainsArgs {
  label: string;
  /** f32 [rows, 3], in nanometres: those of `packChains`. */
  positions: Tensor;
  /** u32 [b, 2], as `chainWindows` makes them, of S less the registers' residues at most. */
  windows: Tensor;
  /** f32 [b, 12], as `samplePose` makes them; their shifts play no part. */
  poses: Tensor;
  /** f32 [rows, 9], of each window that begins at a row the rotation that it has before: rows of a matrix. */
  axes?: Tensor | undefined;
  /** Written, f32 [b, S, 3]; 0 for what is no residue. */
  targets: Tensor;
  /** Written, f32 [b, S]: 1 for a residue, else 0. */
  residues: Tensor;
  /** Tokens before the residues. */
  registers: number;
}

/**
 * C-alphas of windows of chains, less their own centroid, turned: what flow matching's paths end at.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option" where registers leave no place
 */
export function placeChains(ctx: KernelContext, args: PlaceChainsArgs): void {
  requireArgs("placeChains", ctx, args, "positions windows poses targets residues", "registers");
  const { label, positions, windows, poses, axes, targets, residues, registers } = args;
  if (targets.shape.length !== 3) throw badShape(label, "targets must be [b, S, 3]", { targets });
  const [chains, side] = targets.shape as [number, number, number];
  requireShape(label, "targets", targets, [chains, side, 3]);
  requireShape(label, "residues", residues, [chains, side]);
  requireWhole(`${label}: registers`, registers, 0, side - 1);
  requireShape(label, "positions", positions, [positions.shape[0]!, 3]);
  requireShape(label, "poses", poses, [chains, 12]);
  if (axes) requireShape(label, "axes", axes, [positions.shape[0]!, 9]);
  requireWords(label, "windows", windows, 2 * chains);
  const places = chains * (side - registers);
  ctx.dispatch({
    label,
    shader: placeChainsShader,
    constants: { WORKGROUP, AXES: axes !== undefined },
    params: { chains, side, registers },
    bindings: { positions, windows, poses, targets, residues, ...(axes && { axes }) },
    workgroups: workgroups1d(chains),
    flops: (axes ? 36 : 21) * places,
    bytes:
      Math.min(12 * places, byteLength(positions)) +
      (axes ? byteLength(axes) : 0) +
      [windows, poses, targets, residues].reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What the work of a call depends on. */
export interface ChainShape extends CallShape {
  readonly chains: number;
  /** Residues that each has room for. */
  readonly places: number;
  /** Tokens before them. */
  readonly registers: number;
}

/** What the work of `placeChains` depends on. */
export interface PlaceChainsShape extends ChainShape {
  /** 1 where windows have rotations of their own. */
  readonly turned: number;
}

export const chainShapes: readonly ChainShape[] = [
  { chains: 3, places: 70, registers: 3 },
  { chains: 5, places: 8, registers: 0 },
  { chains: 1, places: 1, registers: 1 },
];

/** Windows of an example, the first of as many residues as there are places, and the rows that they lie in. */
export function exampleWindows({ chains, places }: ChainShape) {
  const windows = new Uint32Array(2 * chains);
  let rows = 0;
  for (let b = 0; b < chains; b++) {
    windows.set([rows, places - ((3 * b) % places)], 2 * b);
    rows += windows[2 * b + 1]!;
  }
  return { rows, windows: input([chains, 2], windows) };
}

/** What there is to know of `placeChains`. */
export const placeChainsKernel: Kernel<PlaceChainsShape> = {
  name: "placeChains",
  shaders: [placeChainsShader],
  shapes: chainShapes.map((shape, i) => ({ ...shape, turned: i === 0 ? 1 : 0 })),
  example(shape) {
    const { chains, places, registers, turned } = shape;
    const { rows, windows } = exampleWindows(shape);
    return example({
      tensors: {
        positions: input([rows, 3]),
        windows,
        poses: input([chains, 12]),
        ...(turned === 1 && { axes: input([rows, 9]) }),
        targets: output([chains, registers + places, 3]),
        residues: output([chains, registers + places]),
      },
      terms: places,
      emit: (ctx, tensors) => placeChains(ctx, { label: "placeChains", ...tensors, registers }),
    });
  },
};
