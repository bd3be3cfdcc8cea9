import { hessian } from "../../src/analysis/hessian.ts";
import { Lanczos } from "../../src/analysis/lanczos.ts";
import type { Term } from "../../src/analysis/lossTerms.ts";
import { norm, plus } from "../../src/analysis/vectors.ts";
import { OCTAHEDRAL_ORDER } from "../../src/equivariance/octahedral.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import { unet3d } from "../../src/models/unet3d.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { Random } from "../../src/random.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import { unetConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { VoxelTerms } from "../../src/tasks/voxels/voxelTerms.ts";
import type { BenchCase, CaseData, Expected, OpenCase } from "../case.ts";
import { uniform } from "../data.ts";
import { denoiserFlops } from "../denoiserLayers.ts";

const MOLECULES = 8;
const TERM: Term = "equiv";
/** The attribute `term` of bench/protocol.ts. */
const TERM_NUMBER = 2;

const config = presets.tiny!;
const model = unetConfig(config);
const parameters = unetParameters(model).filter(({ trained }) => trained);
const grids = [MOLECULES, config.grid, config.grid, config.grid, config.elements.length];

/** Products with the Hessian of L_equiv on the preset tiny, one alone and the thirty of a Lanczos run. */
export function analyzeCases(): BenchCase[] {
  return [lanczosCase(1), lanczosCase(30)];
}

function lanczosCase(products: number): BenchCase {
  const pieces = (prefix: string) => parameters.map(({ name, shape }) => ({ name: `${prefix}${name}`, shape }));
  // Twice the gradient of a sum over all rotations of all molecules: a forward pass, and two of its size backward.
  const flops = products * 2 * 3 * MOLECULES * OCTAHEDRAL_ORDER * denoiserFlops(model, config.grid);
  const weights = parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  let found: Found | undefined;
  return {
    name: `analyze/lanczos/${products}`,
    suite: "analyze",
    shape: `${products} Hessian products of L_equiv, ${MOLECULES} molecules of tiny, 24 rotations`,
    flops,
    bytes: 4 * products * (2 * MOLECULES * OCTAHEDRAL_ORDER * (elementCount(grids) / MOLECULES) + 2 * weights),
    // What differences leave out, as `hessian` says.
    tolerance: 5e-3,
    peers: {
      operation: "lanczos",
      attributes: { products, term: TERM_NUMBER },
      inputs: [{ name: "x", shape: grids }, { name: "target", shape: grids }, ...pieces(""), ...pieces("start/")],
      outputs: [{ name: "lambdaMax", shape: [1] }, ...pieces("product/")],
    },
    data: makeData,
    open: (gpu, data) => open(gpu, data, products, (now) => (found = now)),
    expected: () => expected(found!),
  };
}

function makeData(): CaseData {
  const name = "unet/tiny";
  return new Map([
    ...["x", "target"].map((grid) => [grid, uniform(`${name}/${grid}`, elementCount(grids))] as const),
    ...parameters.flatMap(({ name: parameter, shape, init }) => {
      const spread =
        "constant" in init
          ? { base: init.constant, scale: 0.1 }
          : { scale: "bound" in init ? init.bound : init.deviation };
      const count = elementCount(shape);
      return [
        [parameter, uniform(`${name}/${parameter}`, count, spread)] as const,
        [`start/${parameter}`, uniform(`${name}/start/${parameter}`, count)] as const,
      ];
    }),
  ]);
}

/** What a run gave, and its first product made anew with half the step. */
interface Found {
  readonly outputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly again: ReadonlyMap<string, Float64Array>;
}

async function open(gpu: Gpu, data: CaseData, products: number, onFound: (found: Found) => void): Promise<OpenCase> {
  const values = (name: string) => data.get(name) as Float32Array<ArrayBuffer>;
  const [, grid, , , channels] = grids as [number, number, number, number, number];
  await gpu.finish();
  const began = performance.now();
  const terms = await VoxelTerms.create(gpu, {
    ...{ noisy: values("x"), clean: values("target"), grid, channels, twirl: OCTAHEDRAL_ORDER, seed: 0, parameters },
    network: (graph, x, parameter) => unet3d(graph, model, x, { parameter }),
    load: (store) => parameters.forEach(({ name }) => store.write(name, values(name))),
  });
  const compileMs = performance.now() - began;
  const start = Float64Array.from(terms.layout.flatMap(({ name }) => [...values(`start/${name}`)]));
  const pieces = (vector: Float64Array) =>
    new Map(terms.layout.map(({ name, offset, size }) => [`product/${name}`, vector.subarray(offset, offset + size)]));
  let last: { readonly lambdaMax: number; readonly product: Float64Array } | undefined;
  const operator = hessian(terms, TERM);
  return {
    compileMs,
    variant: "",
    sets: 1,
    untimed: true,
    run: async () => {
      let product: Float64Array | undefined;
      const multiply = async (vector: Float64Array) => {
        const made = await operator.multiply(vector);
        product ??= made;
        return made;
      };
      const run = new Lanczos({ ...operator, multiply }, start, new Random(0));
      while (run.steps < products) await run.step();
      // Lanczos begins with the start vector at length 1.
      const length = norm(start);
      last = { lambdaMax: run.ritzValues()[0]!.value, product: product!.map((value) => value * length) };
    },
    outputs: async () => {
      const { lambdaMax, product } = last!;
      const outputs = new Map<string, ArrayLike<number>>([["lambdaMax", [lambdaMax]], ...pieces(product)]);
      const half = await hessian(terms, TERM, { step: 0.005 }).multiply(start);
      // Richardson: what grows with the square of the step goes.
      const again = plus(
        half.map((value) => (4 / 3) * value),
        -1 / 3,
        product,
      );
      onFound({ outputs, again: pieces(again) });
      return outputs;
    },
    destroy: () => terms.destroy(),
  };
}

/**
 * The first product with less of the error of differences; lambdaMax is our own, which peers are compared with. Pieces
 * that are zero by symmetry are noise.
 */
function expected({ outputs, again }: Found): Expected[] {
  const size = Math.max(...Array.from(again.values(), norm));
  const large = [...again].filter(([, values]) => norm(values) > 1e-3 * size);
  return [
    { output: "lambdaMax", values: outputs.get("lambdaMax")!, tolerance: 0.01 },
    ...large.map(([output, values]) => ({ output, values })),
  ];
}
