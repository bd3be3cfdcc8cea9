/** Structures packed for the GPU, centred at their centroids. */
export interface PackedStructures {
  /** Four numbers an atom: x, y, z in Angstrom and the atomic number. */
  readonly atoms: Float32Array;
  /** count + 1 numbers: structure s owns atoms offsets[s] to before offsets[s + 1]. */
  readonly offsets: Uint32Array;
  readonly count: number;
  /** Most atoms of a structure. */
  readonly places: number;
  /** For each structure its index in the molecules that were given. */
  readonly sourceIndex: Uint32Array;
}
