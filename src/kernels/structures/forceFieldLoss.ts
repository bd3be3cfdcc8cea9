import forceFieldLossShader from "../../../shaders/structures/forceFieldLoss.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output, sum } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { addSum, SUM_SCALAR_SHADER } from "../sumScalar.ts";
import { threads1d } from "../threads.ts";

/** What `energyLoss` takes. */
export interface EnergyLossArgs {
  label: string;
  /** f32 [B] */
  energies: Tensor;
  /** f32 [B] */
  targets: Tensor;
  /** Written, f32 [B]. */
  gradEnergies: Tensor;
  /** f32 [1], added to. */
  loss: Tensor;
  /** Of each absolute error: the weight over the structures of the whole batch. */
  scale: number;
  /** f32 [6] of `gradNorm`: gradients are multiplied by its scale as well. */
  scaling?: Tensor | undefined;
}

/**
 * loss += scale times the sum of |energies - targets|, and its gradient.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function energyLoss(ctx: KernelContext, args: EnergyLossArgs): void {
  requireArgs("energyLoss", ctx, args, "energies targets gradEnergies loss", "scale");
  const { label, energies, targets, gradEnergies, loss, scale, scaling } = args;
  requireSameShape(label, { energies, targets, gradEnergies });
  const operands = { x: energies, targets, gradX: gradEnergies };
  const terms = elementCount(energies.shape);
  pass(ctx, label, { constant: "ENERGIES", terms, atoms: 1, scale, operands, more: {}, loss, scaling });
}

/** What `forceLoss` takes; B structures of up to n atoms. */
export interface ForceLossArgs {
  label: string;
  /** f32 [B, n, 3] */
  forces: Tensor;
  /** f32 [B, n, 3] */
  targets: Tensor;
  /** u32 [B], atoms of each structure. */
  counts: Tensor;
  /** f32 [1], atoms of the whole batch, of which this may be a part. */
  atomCount: Tensor;
  /** Written, f32 [B, n, 3]; 0 for padding. */
  gradForces: Tensor;
  /** f32 [1], added to. */
  loss: Tensor;
  /** The weight of the mean. */
  scale: number;
  /** f32 [6] of `gradNorm`: gradients are multiplied by its scale as well. */
  scaling?: Tensor | undefined;
}

/**
 * loss += scale times the mean over the batch's atoms of the norm |forces - targets|_2, and its gradient.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function forceLoss(ctx: KernelContext, args: ForceLossArgs): void {
  requireArgs("forceLoss", ctx, args, "forces targets counts atomCount gradForces loss", "scale");
  const { label, forces, targets, counts, atomCount, gradForces, loss, scale, scaling } = args;
  requireSameShape(label, { forces, targets, gradForces });
  if (forces.shape.length !== 3 || forces.shape[2] !== 3) throw badShape(label, "forces must be [B, n, 3]", { forces });
  const [structures, atoms] = forces.shape as [number, number, number];
  requireWords(label, "counts", counts, structures);
  requireShape(label, "atomCount", atomCount, [1]);
  const operands = { x: forces, targets, gradX: gradForces };
  const more = { counts, atomCount };
  pass(ctx, label, { constant: "FORCES", terms: structures * atoms, atoms, scale, operands, more, loss, scaling });
}

interface Pass {
  readonly constant: "ENERGIES" | "FORCES";
  readonly terms: number;
  readonly atoms: number;
  readonly scale: number;
  readonly operands: { readonly x: Tensor; readonly targets: Tensor; readonly gradX: Tensor };
  readonly more: Readonly<Record<string, Tensor>>;
  readonly loss: Tensor;
  readonly scaling: Tensor | undefined;
}

function pass(ctx: KernelContext, label: string, p: Pass): void {
  requireShape(label, "loss", p.loss, [1]);
  if (p.scaling) requireShape(label, "scaling", p.scaling, [6]);
  const partials = ctx.scratch(`${label} partials`, [p.terms]);
  ctx.dispatch({
    label,
    shader: forceFieldLossShader,
    constants: { [p.constant]: true, ...(p.scaling && { SCALED: true }) },
    params: { terms: p.terms, atoms: p.atoms, scale: p.scale },
    bindings: { ...p.operands, ...p.more, partials, ...(p.scaling && { scaling: p.scaling }) },
    workgroups: threads1d(p.terms),
    flops: 4 * elementCount(p.operands.x.shape),
    bytes: 3 * byteLength(p.operands.x) + byteLength(partials),
  });
  addSum(ctx, label, partials, p.loss, 1);
}

/** What the work of a call depends on. */
export interface ForceFieldLossShape extends CallShape {
  readonly structures: number;
  /** Places for atoms of a structure. */
  readonly places: number;
}

const shapes: readonly ForceFieldLossShape[] = [
  { structures: 30, places: 11 },
  { structures: 1, places: 1 },
];

const exampleCounts = ({ structures, places }: ForceFieldLossShape): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: structures }, (_, b) => (b % places) + 1);

/** What there is to know of `energyLoss`. */
export const energyLossKernel: Kernel<ForceFieldLossShape> = {
  name: "energyLoss",
  shaders: [forceFieldLossShader, SUM_SCALAR_SHADER],
  shapes,
  example({ structures }) {
    const shape = [structures];
    return example({
      tensors: { energies: input(shape), targets: input(shape), gradEnergies: output(shape), loss: sum([1]) },
      terms: structures,
      emit: (ctx, tensors) => energyLoss(ctx, { label: "energyLoss", ...tensors, scale: 0.25 }),
    });
  },
};

/** What there is to know of `forceLoss`. */
export const forceLossKernel: Kernel<ForceFieldLossShape> = {
  name: "forceLoss",
  shaders: [forceFieldLossShader, SUM_SCALAR_SHADER],
  shapes,
  example(sizes) {
    const { structures, places } = sizes;
    const shape = [structures, places, 3];
    const counts = exampleCounts(sizes);
    return example({
      tensors: {
        forces: input(shape),
        targets: input(shape),
        counts: input([structures], counts),
        atomCount: input([1], Float32Array.of(counts.reduce((total, count) => total + count, 0))),
        gradForces: output(shape),
        loss: sum([1]),
      },
      terms: structures * places,
      emit: (ctx, tensors) => forceLoss(ctx, { label: "forceLoss", ...tensors, scale: 100 }),
    });
  },
};
