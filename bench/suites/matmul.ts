import { elementCount } from "../../src/gpu/tensor.ts";
import { matmul } from "../../src/kernels/matmul/matmul.ts";
import * as twin from "../../src/reference/matmul.ts";
import { toleranceOf, type BenchCase } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

/** Samples, rows, depth and columns: a square, a linear layer of a transformer, and many small ones as heads have. */
const SHAPES: readonly (readonly [string, number, number, number, number])[] = [
  ["512", 1, 512, 512, 512],
  ["4096x128x512", 1, 4096, 128, 512],
  ["64x128x128x64", 64, 128, 128, 64],
];

export function matmulCases(): BenchCase[] {
  return SHAPES.flatMap(([label, samples, rows, depth, columns]) => {
    const name = `matmul/${label}`;
    const sizes = { samples, rows, columns, depth };
    const [a, b, y] = [
      [samples, rows, depth],
      [samples, depth, columns],
      [samples, rows, columns],
    ] as const;
    const inputs: InputSpec<"a" | "b">[] = [
      { name: "a", shape: a },
      { name: "b", shape: b },
    ];
    const text = `${samples > 1 ? `${samples} x ` : ""}${rows} x ${depth} x ${columns}`;
    const flops = 2 * elementCount(y) * depth;
    return [
      graphCase({
        name,
        suite: "matmul",
        shape: text,
        inputs,
        outputs: [{ name: "y", shape: y }],
        activations: ["a", "b", "y"],
        flops,
        tolerance: toleranceOf(depth),
        peers: { operation: "matmul", attributes: {} },
        emit: (graph, t) => matmul(graph, { label: name, ...t }),
        expected: (data) => [{ output: "y", values: twin.matmul(sizes, data.get("a")!, data.get("b")!).y }],
      }),
      graphCase({
        name: `${name}/grad`,
        suite: "matmul",
        shape: `${text}, gradients of both`,
        dataName: name,
        inputs: [...inputs, { name: "gradY", shape: y }],
        outputs: [
          { name: "gradA", shape: a },
          { name: "gradB", shape: b },
        ],
        activations: ["a", "b", "gradY", "gradA", "gradB"],
        flops: 2 * flops,
        tolerance: toleranceOf(Math.max(rows, columns)),
        peers: { operation: "matmulGrad", attributes: {} },
        emit: (graph, t) => {
          matmul(graph, { label: `${name} gradA`, a: t.gradY, b: t.b, transposeB: true, y: t.gradA });
          matmul(graph, { label: `${name} gradB`, a: t.a, transposeA: true, b: t.gradY, y: t.gradB });
        },
        expected: (data) => {
          const [left, right, gradY] = ["a", "b", "gradY"].map((key) => data.get(key)!);
          const ofA = { samples, rows, columns: depth, depth: columns, transposeB: 1 };
          const ofB = { samples, rows: depth, columns, depth: rows, transposeA: 1 };
          return [
            { output: "gradA", values: twin.matmul(ofA, gradY!, right!).y },
            { output: "gradB", values: twin.matmul(ofB, left!, gradY!).y },
          ];
        },
      }),
    ];
  });
}
