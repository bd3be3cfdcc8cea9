import type { Term } from "../../src/analysis/lossTerms.ts";
import type { UNet3dConfig } from "../../src/models/unetLayout.ts";
import { loadGolden, type GoldenArray } from "./golden.ts";

/** Of a Hessian or Gauss-Newton matrix: exact, in float64. */
export interface MatrixFigures {
  /** The largest eigenvalue, signed, and the smallest. */
  readonly lambdaMax: number;
  readonly lambdaMin: number;
  /** The five largest, descending. */
  readonly lambdas: readonly number[];
  readonly trace: number;
  /** Sum of the squared eigenvalues. */
  readonly frobeniusSquared: number;
}

interface Figures {
  readonly losses: Readonly<Record<Term, number>>;
  /** For each sample, the sum over rotations, voxels and channels of |f_i - mean|^2. */
  readonly spread: readonly number[];
  readonly hessian: Readonly<Record<Term, MatrixFigures>>;
  readonly gaussNewton: Readonly<Record<Term, MatrixFigures>>;
}

/**
 * landscape.safetensors, which make_landscape.py describes: a small trained U-Net, three samples, and what PyTorch's
 * double backward gives for each term over all 24 rotations. Vectors hold all parameters in the order of `weights`,
 * each flattened in PyTorch's layout; `pieces` cuts them, and `fromTorch` brings a piece into ours.
 */
export interface GoldenLandscape extends Figures {
  readonly config: UNet3dConfig;
  readonly parameters: number;
  /** By name, in the order of vectors. */
  readonly weights: ReadonlyMap<string, GoldenArray>;
  /** Noisy inputs, what they should become, and predictions averaged over the rotations: (N, C, D, H, W). */
  readonly inputs: GoldenArray;
  readonly targets: GoldenArray;
  readonly twirled: GoldenArray;
  /** Two directions [2, parameters], one after another. */
  readonly directions: readonly Float32Array[];
  gradient(term: Term): Float32Array;
  /** The Hessian, or the Gauss-Newton matrix, applied to each direction. */
  products(kind: "hessian" | "gaussNewton", term: Term): readonly Float32Array[];
  /** All eigenvalues of the Hessian, ascending. */
  eigenvalues(term: Term): Float32Array;
  /** The parameters' parts of a vector, in PyTorch's layout. */
  pieces(vector: Float32Array): ReadonlyMap<string, GoldenArray>;
}

/** Reads the file. */
export function loadLandscape(): GoldenLandscape {
  const file = loadGolden("landscape");
  const { metadata } = file;
  const get = (name: string) => file.get(name);
  const names = JSON.parse(metadata.weightNames!) as string[];
  const weights = new Map(names.map((name) => [name, get(`weight.${name}`)]));
  const parameters = Number(metadata.parameters);
  const pair = (name: string): Float32Array[] =>
    [0, 1].map((i) => get(name).data.subarray(i * parameters, (i + 1) * parameters));
  return {
    ...(JSON.parse(metadata.figures!) as Figures),
    config: JSON.parse(metadata.config!) as UNet3dConfig,
    parameters,
    weights,
    inputs: get("inputs"),
    targets: get("targets"),
    twirled: get("twirled"),
    directions: pair("directions"),
    gradient: (term) => get(`gradient.${term}`).data,
    products: (kind, term) => pair(`${kind}Products.${term}`),
    eigenvalues: (term) => get(`eigenvalues.${term}`).data,
    pieces(vector) {
      let offset = 0;
      return new Map(
        [...weights].map(([name, { shape, data }]) => {
          const piece = vector.subarray(offset, (offset += data.length));
          return [name, { shape, data: piece }];
        }),
      );
    },
  };
}
