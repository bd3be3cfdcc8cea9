import countAtomsShader from "../../../shaders/structures/countAtoms.wgsl";
import placeStructuresShader from "../../../shaders/structures/placeStructures.wgsl";
import placeTargetsShader from "../../../shaders/structures/placeTargets.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output, sum } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** What `placeStructures` takes; B chosen structures of up to n atoms. */
export interface PlaceStructuresArgs {
  label: string;
  /** f32 [A, 4], x, y, z in Angstrom and the atomic number of each atom, structure by structure. */
  atoms: Tensor;
  /** u32 [S + 1], structure s owns atoms offsets[s] to offsets[s + 1] - 1. */
  offsets: Tensor;
  /** u32 [B], which structures. */
  chosen: Tensor;
  /** f32 [B, 12], as `samplePose` makes them. */
  poses: Tensor;
  /** Written, f32 [B, n, 4], x, y, z as the atoms lie, and 0; 0 for padding. */
  positions: Tensor;
  /** Written, the same in their poses. */
  posed: Tensor;
  /** Written, u32 [B, n], atomic numbers, 0xffffffff for padding. */
  numbers: Tensor;
  /** Written, u32 [B], atoms of each structure, n at most. */
  counts: Tensor;
}

/**
 * Chosen structures as a padded batch, as they lie and in poses.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function placeStructures(ctx: KernelContext, args: PlaceStructuresArgs): void {
  requireArgs("placeStructures", ctx, args, "atoms offsets chosen poses positions posed numbers counts");
  const { label, atoms, offsets, chosen, poses, positions, posed, numbers, counts } = args;
  if (positions.shape.length !== 3) throw badShape(label, "positions must be [B, n, 4]", { positions });
  const [structures, places] = positions.shape as [number, number, number];
  requireShape(label, "positions", positions, [structures, places, 4]);
  requireShape(label, "posed", posed, positions.shape);
  requireShape(label, "atoms", atoms, [atoms.shape[0]!, 4]);
  requireShape(label, "poses", poses, [structures, 12]);
  requireWords(label, "chosen", chosen, structures);
  requireWords(label, "numbers", numbers, structures * places);
  requireWords(label, "counts", counts, structures);
  ctx.dispatch({
    label,
    shader: placeStructuresShader,
    params: { structures, atoms: places },
    bindings: { atoms, offsets, chosen, poses, positions, posed, numbers, counts },
    workgroups: threads1d(structures * places),
    flops: 18 * structures * places,
    bytes: 36 * structures * places + Math.min(16 * structures * places, byteLength(atoms)) + 64 * structures,
  });
}

/** What `placeTargets` takes. */
export interface PlaceTargetsArgs extends Pick<PlaceStructuresArgs, "label" | "offsets" | "chosen" | "poses"> {
  /** f32 [A, 4], x, y, z of the force on each atom, and 0. */
  forces: Tensor;
  /** f32 [S] */
  energies: Tensor;
  /** Written, f32 [B, n, 3], forces turned with their structures; 0 for padding. */
  forceTargets: Tensor;
  /** Written, f32 [B]. */
  energyTargets: Tensor;
}

/**
 * What a force field is to say of chosen structures in poses.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function placeTargets(ctx: KernelContext, args: PlaceTargetsArgs): void {
  requireArgs("placeTargets", ctx, args, "forces energies offsets chosen poses forceTargets energyTargets");
  const { label, forces, energies, offsets, chosen, poses, forceTargets, energyTargets } = args;
  if (forceTargets.shape.length !== 3) throw badShape(label, "forceTargets must be [B, n, 3]", { forceTargets });
  const [structures, places] = forceTargets.shape as [number, number, number];
  requireShape(label, "forceTargets", forceTargets, [structures, places, 3]);
  requireShape(label, "energyTargets", energyTargets, [structures]);
  requireShape(label, "poses", poses, [structures, 12]);
  requireWords(label, "chosen", chosen, structures);
  ctx.dispatch({
    label,
    shader: placeTargetsShader,
    params: { structures, atoms: places },
    bindings: { forces, energies, offsets, chosen, poses, forceTargets, energyTargets },
    workgroups: threads1d(structures * places),
    flops: 15 * structures * places,
    bytes: 12 * structures * places + Math.min(16 * structures * places, byteLength(forces)) + 64 * structures,
  });
}

/**
 * Adds the atoms of chosen structures to total, f32 [1].
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function countAtoms(
  ctx: KernelContext,
  args: { label: string; offsets: Tensor; chosen: Tensor; total: Tensor },
): void {
  requireArgs("countAtoms", ctx, args, "offsets chosen total");
  const { label, offsets, chosen, total } = args;
  const structures = elementCount(chosen.shape);
  requireWords(label, "chosen", chosen, structures);
  requireShape(label, "total", total, [1]);
  ctx.dispatch({
    label,
    shader: countAtomsShader,
    constants: { WORKGROUP: 1 },
    params: { structures },
    bindings: { offsets, chosen, total },
    workgroups: [1, 1, 1],
    flops: structures,
    bytes: 12 * structures + 8,
  });
}

/** What the work of a call depends on. */
export interface PlaceShape extends CallShape {
  readonly structures: number;
  /** Places for atoms of a structure. */
  readonly places: number;
}

/** As many structures as are chosen, whose sizes go round from 1. */
function exampleStructures({ structures, places }: PlaceShape) {
  const offsets = new Uint32Array(structures + 1);
  for (let s = 0; s < structures; s++) offsets[s + 1] = offsets[s]! + (s % places) + 1;
  return {
    atoms: offsets[structures]!,
    offsets: input([structures + 1], offsets),
    chosen: input(
      [structures],
      Uint32Array.from({ length: structures }, (_, b) => (5 * b + 1) % structures),
    ),
  };
}

const shapes: readonly PlaceShape[] = [
  { structures: 9, places: 11 },
  { structures: 2, places: 5 },
  { structures: 1, places: 1 },
];

/** What there is to know of `placeStructures`. */
export const placeStructuresKernel: Kernel<PlaceShape> = {
  name: "placeStructures",
  shaders: [placeStructuresShader],
  shapes,
  example(shape) {
    const { structures, places } = shape;
    const { atoms, offsets, chosen } = exampleStructures(shape);
    const values = Float32Array.from({ length: 4 * atoms }, (_, i) => (i % 4 === 3 ? 1 + (i % 17) : Math.sin(7 * i)));
    return example({
      tensors: {
        atoms: input([atoms, 4], values),
        ...{ offsets, chosen },
        poses: input([structures, 12]),
        positions: output([structures, places, 4]),
        posed: output([structures, places, 4]),
        numbers: { ...output([structures, places]), contents: new Uint32Array(structures * places) },
        counts: { ...output([structures]), contents: new Uint32Array(structures) },
      },
      terms: 4,
      emit: (ctx, tensors) => placeStructures(ctx, { label: "placeStructures", ...tensors }),
    });
  },
};

/** What there is to know of `placeTargets`. */
export const placeTargetsKernel: Kernel<PlaceShape> = {
  name: "placeTargets",
  shaders: [placeTargetsShader],
  shapes,
  example(shape) {
    const { structures, places } = shape;
    const { atoms, offsets, chosen } = exampleStructures(shape);
    return example({
      tensors: {
        forces: input([atoms, 4]),
        energies: input([structures]),
        ...{ offsets, chosen },
        poses: input([structures, 12]),
        forceTargets: output([structures, places, 3]),
        energyTargets: output([structures]),
      },
      terms: 3,
      emit: (ctx, tensors) => placeTargets(ctx, { label: "placeTargets", ...tensors }),
    });
  },
};

/** What there is to know of `countAtoms`. */
export const countAtomsKernel: Kernel<PlaceShape> = {
  name: "countAtoms",
  shaders: [countAtomsShader],
  shapes,
  example(shape) {
    const { offsets, chosen } = exampleStructures(shape);
    return example({
      tensors: { offsets, chosen, total: sum([1]) },
      terms: 2,
      emit: (ctx, tensors) => countAtoms(ctx, { label: "countAtoms", ...tensors }),
    });
  },
};
