// The loss terms of a net of two layers that acts on vectors, in float64 with derivatives written by hand.
import type { LossTerms, Term, TermsOptions, WeightSlot } from "../../src/analysis/lossTerms.ts";
import type { SampleSums } from "../../src/equivariance/estimators.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { VoxtwirlError } from "../../src/errors.ts";
import { Random } from "../../src/random.ts";

export interface VectorNetOptions {
  /** Vectors in an input and in a target. */
  readonly points?: number;
  /** Hidden numbers; three a vector where the net is equivariant. */
  readonly hidden?: number;
  readonly samples?: number;
  /** Of the 24 rotations of the cube, the first ones. */
  readonly rotations?: number;
  /** Without tanh the predictions are linear in the second layer's weights, and in all where the first is frozen. */
  readonly linear?: boolean;
  /** Weights that mix whole vectors and no biases: with tanh, which is odd, exactly equivariant under the cube. */
  readonly equivariant?: boolean;
  /** Targets are what the net itself says, so that the loss of an equivariant one is 0. */
  readonly solved?: boolean;
  readonly seed?: number;
}

/**
 * f(x) = W2^T tanh(W1^T x + b1) + b2 on inputs of some vectors [points, 3]. With `linear` it is one layer, f(x) =
 * W1^T x + b1, with as many hidden numbers as outputs.
 */
export function vectorNet(options: VectorNetOptions = {}): LossTerms {
  const { points = 2, samples = 2, rotations = 24, linear = false, equivariant = false, seed = 1 } = options;
  const width = 3 * points;
  const hidden = linear ? width : (options.hidden ?? 6);
  const random = new Random(seed);
  const draw = (length: number, size = 1) => Float64Array.from({ length }, () => size * random.normal());
  const layout = slots(width, hidden, linear);
  const weights = Float64Array.from(
    layout.flatMap((slot) => [...(equivariant ? vectorMixing(slot, draw) : draw(slot.size, 0.5))]),
  );
  const net = new VectorNet(width, hidden, linear, layout);
  const inputs = Array.from({ length: samples }, () => draw(width));
  const targets = inputs.map((x) => (options.solved ? net.forward(weights, x).output : draw(width)));
  return net.terms(weights, inputs, targets, rotations);
}

function slots(width: number, hidden: number, linear: boolean): WeightSlot[] {
  let offset = 0;
  const slot = (name: string, kind: WeightSlot["kind"], shape: readonly number[]): WeightSlot => {
    const size = shape.reduce((product, length) => product * length, 1);
    offset += size;
    return { name, kind, shape, offset: offset - size, size };
  };
  const first = [slot("first.weight", "linear", [width, hidden]), slot("first.bias", "vector", [hidden])];
  if (linear) return first;
  return [...first, slot("second.weight", "linear", [hidden, width]), slot("second.bias", "vector", [width])];
}

/** A matrix that is a multiple of the identity on each pair of vectors; zeros for a bias. */
function vectorMixing({ kind, shape, size }: WeightSlot, draw: (length: number) => Float64Array): Float64Array {
  const values = new Float64Array(size);
  if (kind === "vector") return values;
  const [rows, columns] = shape as [number, number];
  const mixing = draw((rows / 3) * (columns / 3));
  for (let i = 0; i < rows; i++) {
    for (let j = i % 3; j < columns; j += 3) {
      values[i * columns + j] = mixing[Math.floor(i / 3) * (columns / 3) + Math.floor(j / 3)]!;
    }
  }
  return values;
}

interface Pass {
  readonly input: Float64Array;
  readonly activation: Float64Array;
  readonly output: Float64Array;
}

class VectorNet {
  readonly #width: number;
  readonly #hidden: number;
  readonly #linear: boolean;
  readonly #layout: readonly WeightSlot[];

  constructor(width: number, hidden: number, linear: boolean, layout: readonly WeightSlot[]) {
    this.#width = width;
    this.#hidden = hidden;
    this.#linear = linear;
    this.#layout = layout;
  }

  forward(weights: Float64Array, input: Float64Array): Pass {
    const [w1, b1, w2, b2] = this.#parts(weights);
    const before = affine(input, w1!, b1!, this.#hidden);
    if (this.#linear) return { input, activation: before, output: before };
    const activation = before.map(Math.tanh);
    return { input, activation, output: affine(activation, w2!, b2!, this.#width) };
  }

  /** Adds J^T cotangent to `gradient`. */
  backward(weights: Float64Array, { input, activation }: Pass, cotangent: Float64Array, gradient: Float64Array): void {
    const [, , w2] = this.#parts(weights);
    const [g1, c1, g2, c2] = this.#parts(gradient);
    let before = cotangent;
    if (!this.#linear) {
      outer(activation, cotangent, g2!, c2!);
      before = activation.map((a, i) => {
        let sum = 0;
        for (let j = 0; j < cotangent.length; j++) sum += w2![i * cotangent.length + j]! * cotangent[j]!;
        return (1 - a * a) * sum;
      });
    }
    outer(input, before, g1!, c1!);
  }

  /** J direction. */
  tangent(weights: Float64Array, { input, activation }: Pass, direction: Float64Array): Float64Array {
    const [, , w2, b2] = this.#parts(weights);
    const [d1, e1, d2, e2] = this.#parts(direction);
    const before = affine(input, d1!, e1!, this.#hidden);
    if (this.#linear) return before;
    const inner = before.map((value, i) => (1 - activation[i]! ** 2) * value);
    const through = affine(inner, w2!, b2!.map(() => 0), this.#width); // prettier-ignore
    return affine(activation, d2!, e2!, this.#width).map((value, i) => value + through[i]!);
  }

  #parts(vector: Float64Array): Float64Array[] {
    return this.#layout.map(({ offset, size }) => vector.subarray(offset, offset + size));
  }

  terms(
    weights: Float64Array,
    inputs: readonly Float64Array[],
    targets: readonly Float64Array[],
    rotations: number,
  ): LossTerms {
    const matrices = octahedralMatrices.slice(0, rotations);
    const sampling = { rotations, elements: this.#width, groupOrder: octahedralMatrices.length };
    const passes = (w: Float64Array, x: Float64Array) => matrices.map((r) => this.forward(w, rotate(r, x)));
    const range = ({ from = 0, to = inputs.length, signal }: TermsOptions = {}) => {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "stopped", "Start it again.");
      return Array.from({ length: to - from }, (_, i) => from + i);
    };
    /** Adds J^T of what a term makes of one number for each rotation and element: the residuals, or J v. */
    const pullBack = (
      term: Term,
      w: Float64Array,
      options: TermsOptions | undefined,
      valuesOf: (passes: readonly Pass[], sample: number) => { values: Float64Array[]; target: Float64Array },
    ) => {
      const gradient = new Float64Array(w.length);
      const used = range(options);
      for (const n of used) {
        const all = passes(w, inputs[n]!);
        const { values, target } = valuesOf(all, n);
        const twisted = values.map((value, k) => rotateBack(matrices[k]!, value));
        const mean = meanOf(twisted);
        const [total, equiv] = termFactors(term, rotations, sampling.groupOrder);
        const scale = 2 / (sampling.elements * used.length);
        twisted.forEach((f, k) => {
          const cotangent = f.map((value, e) => scale * (total * (value - target[e]!) + equiv * (value - mean[e]!)));
          this.backward(w, all[k]!, rotate(matrices[k]!, cotangent), gradient);
        });
      }
      return gradient;
    };
    return {
      layout: this.#layout,
      weights,
      samples: inputs.length,
      sampling,
      sums: async (w, options) =>
        range(options).map((n): SampleSums => {
          const twisted = passes(w, inputs[n]!).map(({ output }, k) => rotateBack(matrices[k]!, output));
          const mean = meanOf(twisted);
          const spread = twisted.reduce((sum, f) => sum + distance(f, mean), 0);
          const zero = new Float64Array(mean.length);
          return { meanError: distance(mean, targets[n]!), spread, zeroError: distance(targets[n]!, zero) };
        }),
      gradient: async (term, w, options) =>
        pullBack(term, w, options, (all, n) => ({ values: all.map(({ output }) => output), target: targets[n]! })),
      gaussNewtonProduct: async (term, w, direction, options) =>
        pullBack(term, w, options, (all) => ({
          values: all.map((pass) => this.tangent(w, pass, direction)),
          target: new Float64Array(this.#width),
        })),
    };
  }
}

/** How much of |f - y|^2 and of |f - mean|^2 there is in a term, for each of N rotations out of M. */
function termFactors(term: Term, rotations: number, order: number): [number, number] {
  const equiv = (order - 1) / order / (rotations - 1);
  return { total: [1 / rotations, 0], equiv: [0, equiv], mean: [1 / rotations, -equiv] }[term] as [number, number];
}

function affine(x: Float64Array, weight: Float64Array, bias: Float64Array, columns: number): Float64Array {
  const y = Float64Array.from(bias);
  for (let i = 0; i < x.length; i++) for (let j = 0; j < columns; j++) y[j]! += x[i]! * weight[i * columns + j]!;
  return y;
}

/** Adds what y = W^T x + b has for gradients of W and b. */
function outer(x: Float64Array, cotangent: Float64Array, weight: Float64Array, bias: Float64Array): void {
  cotangent.forEach((c, j) => {
    bias[j]! += c;
    for (let i = 0; i < x.length; i++) weight[i * cotangent.length + j]! += c * x[i]!;
  });
}

/** R v for each of the vectors. */
function rotate(matrix: readonly number[], vectors: Float64Array): Float64Array {
  return vectors.map((_, at) => {
    const [start, row] = [3 * Math.floor(at / 3), 3 * (at % 3)];
    let sum = 0;
    for (let j = 0; j < 3; j++) sum += matrix[row + j]! * vectors[start + j]!;
    return sum;
  });
}

function rotateBack(matrix: readonly number[], vectors: Float64Array): Float64Array {
  return rotate(matrix.map((_, at) => matrix[3 * (at % 3) + Math.floor(at / 3)]!), vectors); // prettier-ignore
}

function meanOf(vectors: readonly Float64Array[]): Float64Array {
  return vectors[0]!.map((_, e) => vectors.reduce((sum, vector) => sum + vector[e]!, 0) / vectors.length);
}

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
}
