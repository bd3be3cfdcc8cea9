import { elementCount } from "../../src/gpu/tensor.ts";
import { groupNorm } from "../../src/kernels/groupNorm/groupNorm.ts";
import { groupNormGrad } from "../../src/kernels/groupNorm/groupNormGrad.ts";
import * as twin from "../../src/reference/groupNorm.ts";
import { toleranceOf, type BenchCase } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

const eps = 1e-5;
const groups = 16;
/** Means and variances are of 65,536 values. */
const tolerance = toleranceOf(65_536);

/** G and GB: 16 groups, 32 channels, 1 and 8 samples of 32^3; plain, with SiLU, and the gradient with SiLU. */
export function groupNormCases(): BenchCase[] {
  return [
    ["G", 1],
    ["GB", 8],
  ].flatMap(([letter, batch]) => {
    const x = [batch as number, 32, 32, 32, 32];
    const name = `groupnorm/${letter}`;
    return [forward(name, x, false), forward(`${name}/silu`, x, true), gradient(`${name}/grad`, x)];
  });
}

function forward(name: string, x: readonly number[], silu: boolean): BenchCase {
  const { dataName, shape, inputs, twinOf } = parts(name, x, silu);
  return graphCase({
    name,
    suite: "groupnorm",
    shape,
    dataName,
    inputs,
    tolerance,
    outputs: [{ name: "y", shape: x }],
    activations: ["x", "y"],
    flops: (silu ? 11 : 7) * elementCount(x),
    peers: { operation: "groupNorm", attributes: { groups, silu: Number(silu), eps } },
    emit: (graph, t) => {
      const stats = graph.scratch("stats", [x[0]!, groups, 2]);
      groupNorm(graph, { label: name, x: t.x, gamma: t.gamma, beta: t.beta, groups, eps, silu, y: t.y, stats });
    },
    expected: (data) => [
      { output: "y", values: twin.groupNorm(twinOf, data.get("x")!, data.get("gamma")!, data.get("beta")!).y },
    ],
  });
}

/** With SiLU; the statistics of the forward pass are given. */
function gradient(name: string, x: readonly number[]): BenchCase {
  const { dataName, shape, inputs, twinOf } = parts(name, x, true);
  const width = [x[4]!];
  return graphCase({
    name,
    suite: "groupnorm",
    shape: `${shape}, gradient`,
    dataName,
    tolerance,
    inputs: [
      ...inputs,
      { name: "gradY", shape: x },
      {
        name: "stats",
        shape: [x[0]!, groups, 2],
        only: "ours",
        make: (data) =>
          Float32Array.from(twin.groupNorm(twinOf, data.get("x")!, data.get("gamma")!, data.get("beta")!).stats),
      },
    ],
    activations: ["x", "gradY", "gradX"],
    outputs: [
      { name: "gradX", shape: x },
      { name: "gradGamma", shape: width },
      { name: "gradBeta", shape: width },
    ],
    flops: 36 * elementCount(x),
    peers: { operation: "groupNormGrad", attributes: { groups, silu: 1, eps } },
    emit: (graph, t) => {
      for (const sum of [t.gradGamma, t.gradBeta]) graph.clear(sum);
      groupNormGrad(graph, {
        label: name,
        x: t.x,
        gamma: t.gamma,
        beta: t.beta,
        stats: t.stats,
        gradY: t.gradY,
        groups,
        silu: true,
        gradX: t.gradX,
        gradGamma: t.gradGamma,
        gradBeta: t.gradBeta,
      });
    },
    expected: (data) => {
      const [xs, gamma, beta, gradY] = ["x", "gamma", "beta", "gradY"].map((key) => data.get(key)!);
      const all = twin.groupNormGrad(twinOf, xs!, gamma!, beta!, gradY!);
      return Object.entries(all).map(([output, values]) => ({ output, values }));
    },
  });
}

function parts(name: string, x: readonly number[], silu: boolean) {
  const [samples, size, , , channels] = x as [number, number, number, number, number];
  const inputs: InputSpec<"x" | "gamma" | "beta">[] = [
    { name: "x", shape: x },
    { name: "gamma", shape: [channels], spread: { base: 1, scale: 0.5 } },
    { name: "beta", shape: [channels], spread: { scale: 0.5 } },
  ];
  return {
    inputs,
    dataName: name.split("/").slice(0, 2).join("/"),
    shape: `${samples} x ${channels} at ${size}^3, ${groups} groups${silu ? ", SiLU" : ""}`,
    twinOf: { samples, voxels: size ** 3, channels, groups, eps, silu },
  };
}
