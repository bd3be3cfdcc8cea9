import { elementCount } from "../../src/gpu/tensor.ts";
import { conv3d, conv3dGradInput, conv3dGradWeight, conv3dShape } from "../../src/kernels/conv3d/conv3d.ts";
import { toleranceOf, type BenchCase } from "../case.ts";
import { fanInSpread } from "../data.ts";
import { graphCase } from "../graphCase.ts";
import { sampledConv, sampledGradInput, sampledGradWeight } from "../sampledConv.ts";

/** A convolution of a cube. */
export interface ConvShape {
  readonly batch: number;
  readonly ci: number;
  readonly co: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly padding: number;
}

const same = { kernel: 3, stride: 1, padding: 1 } as const;

/** Cases that other engines were measured on too. */
export const convShapes: Readonly<Record<string, ConvShape>> = {
  A: { batch: 1, ci: 32, co: 32, size: 32, ...same },
  B: { batch: 4, ci: 64, co: 64, size: 16, ...same },
  C: { batch: 1, ci: 16, co: 32, size: 64, ...same },
  D: { batch: 1, ci: 128, co: 128, size: 8, ...same },
  S: { batch: 1, ci: 32, co: 32, size: 32, kernel: 3, stride: 2, padding: 1 },
};

export type ConvPass = "conv3d" | "gradInput" | "gradWeight";

export function conv3dCases(): BenchCase[] {
  const passes: ConvPass[] = ["conv3d", "gradInput", "gradWeight"];
  return passes.flatMap((pass) =>
    Object.entries(convShapes).map(([letter, shape]) =>
      convCase("conv3d", `${pass}/${letter}`, `conv3d/${letter}`, pass, shape, true),
    ),
  );
}

/** One pass of a convolution without bias. `dataName`: what the inputs' names begin with. */
export function convCase(
  suite: string,
  name: string,
  dataName: string,
  pass: ConvPass,
  shape: ConvShape,
  peers: boolean,
): BenchCase {
  const { batch, ci, co, size, kernel, stride, padding } = shape;
  const x = [batch, size, size, size, ci];
  const weight = [kernel, kernel, kernel, ci, co];
  const y = conv3dShape(x, weight, stride, padding, name);
  const geometry = { x, y, kernel, stride, padding };
  const common = {
    name,
    suite,
    dataName,
    shape: `${batch} x ${ci} -> ${co} at ${size}^3, k${kernel} s${stride} p${padding}`,
    flops: 2 * elementCount(y) * ci * kernel ** 3,
  };
  const task = (operation: "conv3d" | "conv3dGradInput" | "conv3dGradWeight") =>
    peers ? { peers: { operation, attributes: { stride, padding } } } : {};
  const inputs = {
    x: { name: "x", shape: x },
    weight: { name: "weight", shape: weight, spread: fanInSpread(ci * kernel ** 3) },
    gradY: { name: "gradY", shape: y },
  };
  const label = name;
  switch (pass) {
    case "conv3d":
      return graphCase({
        ...common,
        ...task("conv3d"),
        inputs: [inputs.x, inputs.weight],
        outputs: [{ name: "y", shape: y }],
        activations: ["x", "y"],
        tolerance: toleranceOf(ci * kernel ** 3),
        emit: (graph, t) => conv3d(graph, { label, x: t.x!, weight: t.weight!, y: t.y!, stride, padding }),
        expected: (data) => sampledConv(geometry, data),
      });
    case "gradInput":
      return graphCase({
        ...common,
        ...task("conv3dGradInput"),
        inputs: [inputs.gradY, inputs.weight],
        outputs: [{ name: "gradX", shape: x }],
        activations: ["gradY", "gradX"],
        tolerance: toleranceOf(co * kernel ** 3),
        emit: (graph, t) =>
          conv3dGradInput(graph, { label, gradY: t.gradY!, weight: t.weight!, gradX: t.gradX!, stride, padding }),
        expected: (data) => sampledGradInput(geometry, data),
      });
    case "gradWeight":
      return graphCase({
        ...common,
        ...task("conv3dGradWeight"),
        inputs: [inputs.x, inputs.gradY],
        outputs: [{ name: "gradWeight", shape: weight }],
        activations: ["x", "gradY"],
        tolerance: toleranceOf(elementCount(y) / co),
        emit: (graph, t) => {
          // The kernel adds to what is there.
          graph.clear(t.gradWeight!);
          conv3dGradWeight(graph, { label, x: t.x!, gradY: t.gradY!, gradWeight: t.gradWeight!, stride, padding });
        },
        expected: (data) => sampledGradWeight(geometry, data),
      });
  }
}
