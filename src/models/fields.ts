/** Convolutions that commute with the rotations of the cube: which of their weights have to be equal. */
import { OCTAHEDRAL_ORDER, octahedralPermutation, octahedralProducts } from "../equivariance/octahedral.ts";
import { requireObject, requireOneOf, requireSizes, requireWhole } from "../check.ts";
import type { Orbits } from "../graph/parameters.ts";
import type { WeightArray, WeightKind } from "./layouts.ts";

/**
 * How channels move under the group O of the cube's 24 rotations: those of "trivial" fields do not; a "regular" field
 * is 24 channels in a row, one for each element h, and g takes channel h to that of g h. Kernels between trivial fields
 * are isotropic (4 free numbers of 27); between regular ones they are those of a group convolution (arXiv 1602.07576).
 */
export type FieldKind = "trivial" | "regular";

/** Channels of a field. */
export const FIELD_SIZES: Readonly<Record<FieldKind, number>> = { trivial: 1, regular: OCTAHEDRAL_ORDER };

/**
 * Entries of a weight that must be equal for its layer to be equivariant: W[p, i, o] = W[g p, g i, g o] for all g, p a
 * position of the kernel about its centre, i and o channels of input and output. Vectors have output channels alone, of
 * linear layers the kernel is one position. Entries that are equal to no other are in no orbit.
 *
 * @param weight its kind, and its shape in our layout: see src/models/layouts.ts
 * @throws VoxtwirlError "bad-option" for a kind of field that is none
 */
export function weightOrbits(
  weight: Pick<WeightArray, "shape"> & { readonly kind: WeightKind },
  fields: { readonly input: FieldKind; readonly output: FieldKind },
): Orbits {
  requireObject("weight", weight, "Give { kind, shape }.");
  requireObject("fields", fields, "Give { input, output }.");
  const { kind, shape } = weight;
  requireSizes("shape", shape);
  for (const side of ["input", "output"] as const) requireOneOf(side, fields[side], Object.keys(FIELD_SIZES));
  const outputs = shape.at(-1)!;
  const inputs = kind === "vector" ? 1 : shape.at(-2)!;
  const edge = kind === "vector" || kind === "linear" ? 1 : shape[0]!;
  const actions = Array.from({ length: OCTAHEDRAL_ORDER }, (_, g) => ({
    position: inverse(octahedralPermutation(edge, g)),
    input: channelPermutation(inputs, kind === "vector" ? "trivial" : fields.input, g),
    output: channelPermutation(outputs, fields.output, g),
  }));
  const size = edge ** 3 * inputs * outputs;
  const seen = new Uint8Array(size);
  const starts = [0];
  const members: number[] = [];
  for (let at = 0; at < size; at++) {
    if (seen[at]) continue;
    const o = at % outputs;
    const i = Math.floor(at / outputs) % inputs;
    const p = Math.floor(at / (outputs * inputs));
    const images = actions.map((g) => (g.position[p]! * inputs + g.input[i]!) * outputs + g.output[o]!);
    const orbit = [...new Set(images)].sort((a, b) => a - b);
    for (const image of orbit) seen[image] = 1;
    if (orbit.length === 1) continue;
    for (const image of orbit) members.push(image);
    starts.push(members.length);
  }
  return { starts: Uint32Array.from(starts), members: Uint32Array.from(members) };
}

/** How many numbers are free where `size` entries have these orbits. */
export function freeCount(size: number, orbits: Orbits): number {
  requireWhole("size", size, 0);
  requireObject("orbits", orbits, "Give { starts, members }: what weightOrbits returns.");
  const { starts, members } = orbits;
  return size - members.length + (starts.length - 1);
}

/** Where g takes each channel. */
function channelPermutation(channels: number, kind: FieldKind, g: number): number[] {
  const size = FIELD_SIZES[kind];
  return Array.from({ length: channels }, (_, c) => {
    return kind === "trivial" ? c : c - (c % size) + octahedralProducts[g]![c % size]!;
  });
}

/** Where what lies at each place goes, from where it comes. */
function inverse(permutation: Uint32Array): Uint32Array {
  const result = new Uint32Array(permutation.length);
  permutation.forEach((from, to) => (result[from] = to));
  return result;
}
