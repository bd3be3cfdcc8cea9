import { elementCount } from "../../src/gpu/tensor.ts";
import { gelu, geluGrad } from "../../src/kernels/activations.ts";
import { layerNorm } from "../../src/kernels/layerNorm/layerNorm.ts";
import { layerNormGrad } from "../../src/kernels/layerNorm/layerNormGrad.ts";
import * as activationTwin from "../../src/reference/activations.ts";
import * as twin from "../../src/reference/layerNorm.ts";
import { toleranceOf, type BenchCase } from "../case.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

const eps = 1e-5;

interface NormSpec {
  readonly name: string;
  readonly rows: number;
  readonly channels: number;
  readonly rms: boolean;
}

/** Layer norm of long rows, RMSNorm of 16 molecules' edges (21 atoms, 20 neighbours), and GELU of as many. */
export function layerNormCases(): BenchCase[] {
  const norms: NormSpec[] = [
    { name: "layernorm/LN", rows: 4096, channels: 512, rms: false },
    { name: "layernorm/RMS", rows: 16 * 21 * 20, channels: 64, rms: true },
  ];
  return [...norms.flatMap((norm) => [forward(norm), gradient(norm)]), ...geluCases()];
}

function forward(norm: NormSpec): BenchCase {
  const { shape, inputs, twinOf, text, attributes } = parts(norm);
  const { name, rms } = norm;
  return graphCase({
    name,
    suite: "layernorm",
    shape: text,
    dataName: name,
    inputs,
    outputs: [{ name: "y", shape }],
    activations: ["x", "y"],
    flops: (rms ? 5 : 8) * elementCount(shape),
    tolerance: toleranceOf(norm.channels),
    peers: { operation: "layerNorm", attributes },
    emit: (graph, t) => {
      const stats = graph.scratch("stats", [norm.rows, 2]);
      layerNorm(graph, {
        label: name,
        x: t.x,
        weight: t.weight,
        bias: rms ? undefined : t.bias,
        rms,
        eps,
        y: t.y,
        stats,
      });
    },
    expected: (data) => [
      { output: "y", values: twin.layerNorm(twinOf, data.get("x")!, data.get("weight"), data.get("bias")).y },
    ],
  });
}

/** The statistics of the forward pass are given. */
function gradient(norm: NormSpec): BenchCase {
  const { shape, inputs, twinOf, text, attributes } = parts(norm);
  const { rms, channels, rows } = norm;
  const name = `${norm.name}/grad`;
  return graphCase({
    name,
    suite: "layernorm",
    shape: `${text}, gradient`,
    dataName: norm.name,
    inputs: [
      ...inputs,
      { name: "gradY", shape },
      {
        name: "stats",
        shape: [rows, 2],
        only: "ours",
        make: (data) => Float32Array.from(twin.layerNormStats(twinOf, data.get("x")!)),
      },
    ],
    outputs: [
      { name: "gradX", shape },
      { name: "gradWeight", shape: [channels] },
      ...(rms ? [] : [{ name: "gradBias" as const, shape: [channels] }]),
    ],
    activations: ["x", "gradY", "gradX"],
    flops: 15 * elementCount(shape),
    tolerance: toleranceOf(rows),
    peers: { operation: "layerNormGrad", attributes },
    emit: (graph, t) => {
      const gradBias = rms ? undefined : t.gradBias;
      for (const sum of [t.gradWeight, gradBias]) if (sum) graph.clear(sum);
      const { x, weight, stats, gradY, gradX, gradWeight } = t;
      layerNormGrad(graph, { label: name, x, weight, rms, stats, gradY, gradX, gradWeight, gradBias });
    },
    expected: (data) => {
      const [x, weight, gradY] = ["x", "weight", "gradY"].map((key) => data.get(key)!);
      const all = twin.layerNormGrad(twinOf, x!, weight, twin.layerNormStats(twinOf, x!), gradY!);
      const { gradBias, ...others } = all;
      return Object.entries(rms ? others : { ...others, gradBias }).map(([output, values]) => ({ output, values }));
    },
  });
}

function parts({ rows, channels, rms }: NormSpec) {
  const shape = [rows, channels];
  const inputs: InputSpec<"x" | "weight" | "bias">[] = [
    { name: "x", shape },
    { name: "weight", shape: [channels], spread: { base: 1, scale: 0.5 } },
    ...(rms ? [] : [{ name: "bias" as const, shape: [channels], spread: { scale: 0.5 } }]),
  ];
  return {
    shape,
    inputs,
    twinOf: { channels, eps, rms },
    text: `${rows} x ${channels}, ${rms ? "root mean square" : "mean and variance"}`,
    attributes: { rms: Number(rms), eps },
  };
}

function geluCases(): BenchCase[] {
  const shape = [16 * 21 * 20, 128];
  const common = { suite: "layernorm", shape: shape.join(" x "), dataName: "layernorm/GELU", tolerance: 2e-6 };
  const x: InputSpec<"x"> = { name: "x", shape, spread: { scale: 4 } };
  return [
    graphCase({
      ...common,
      name: "layernorm/GELU",
      inputs: [x],
      outputs: [{ name: "y", shape }],
      activations: ["x", "y"],
      flops: 28 * elementCount(shape),
      peers: { operation: "gelu", attributes: {} },
      emit: (graph, t) => gelu(graph, { label: "gelu", x: t.x, y: t.y }),
      expected: (data) => [{ output: "y", values: Float64Array.from(data.get("x")!, activationTwin.gelu) }],
    }),
    graphCase({
      ...common,
      name: "layernorm/GELU/grad",
      inputs: [x, { name: "gradY", shape }],
      outputs: [{ name: "gradX", shape }],
      activations: ["x", "gradY", "gradX"],
      flops: 34 * elementCount(shape),
      peers: { operation: "geluGrad", attributes: {} },
      emit: (graph, t) => geluGrad(graph, { label: "geluGrad", x: t.x, gradY: t.gradY, gradX: t.gradX }),
      expected: (data) => {
        const gradY = data.get("gradY")!;
        const values = Float64Array.from(data.get("x")!, (v, i) => gradY[i]! * activationTwin.geluSlope(v));
        return [{ output: "gradX", values }];
      },
    }),
  ];
}
