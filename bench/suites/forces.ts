import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import { neighbourAttention } from "../../src/kernels/edges/neighbourAttention.ts";
import { neighbourAttentionGrad } from "../../src/kernels/edges/neighbourAttentionGrad.ts";
import { escaipParameters } from "../../src/models/escaipLayout.ts";
import * as twin from "../../src/reference/neighbourAttention.ts";
import type { ForceConfig } from "../../src/tasks/forces/forceConfig.ts";
import { presets } from "../../src/tasks/forces/presets.ts";
import { toleranceOf, type BenchCase, type CaseData, type Values } from "../case.ts";
import { uniform, type Spread } from "../data.ts";
import { openForceEvaluation, openForceStep, type ForceBatch } from "../forcePlans.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

/** Attention of 2,048 atoms' neighbours; a training step and an evaluation of forces-small, a step of forces-spice. */
export function forceCases(): BenchCase[] {
  return [...attention(), smallStep(), evaluation(), spiceStep()];
}

const ATTENTION = { atoms: 2048, slots: 20, heads: 4, head: 16 };
/** Products of a pair of edges in a head: logit and result forward, five of them backward. */
const pairs = ATTENTION.atoms * ATTENTION.slots ** 2 * ATTENTION.heads * ATTENTION.head;

function attention(): BenchCase[] {
  const { atoms, slots, heads, head } = ATTENTION;
  const width = heads * head;
  const name = "forces/attention";
  const text = `${atoms} atoms x ${slots} neighbours, ${heads} heads of ${head}`;
  const inputs: InputSpec<"qkv" | "edges" | "bias">[] = [
    { name: "qkv", shape: [atoms, slots, 3 * width] },
    { name: "edges", shape: [atoms, slots, 4], make: () => directions(`${name}/edges`, atoms * slots) },
    { name: "bias", shape: [1] },
  ];
  const of = (data: CaseData) => {
    return { qkv: data.get("qkv")!, edges: data.get("edges")!, bias: data.get("bias")![0]! };
  };
  const shape = [atoms, slots, width];
  const common = { suite: "forces", dataName: name, tolerance: toleranceOf(slots + head) };
  return [
    graphCase({
      ...{ ...common, name, shape: text, inputs, outputs: [{ name: "y", shape }] },
      activations: ["qkv", "y"],
      flops: 4 * pairs,
      peers: { operation: "neighbourAttention", attributes: { heads } },
      emit: (graph, t) => {
        const logSumExp = graph.scratch("logSumExp", [atoms, slots, heads]);
        neighbourAttention(graph, { label: name, qkv: t.qkv, edges: t.edges, bias: t.bias, heads, y: t.y, logSumExp });
      },
      expected: (data) => [{ output: "y", values: twin.neighbourAttention(ATTENTION, of(data)).y }],
    }),
    graphCase({
      ...{ ...common, name: `${name}/grad`, shape: `${text}, gradient` },
      inputs: [
        ...inputs,
        { name: "gradY", shape },
        { name: "y", shape, only: "ours", make: (data) => forward(data).y },
        { name: "logSumExp", shape: [atoms, slots, heads], only: "ours", make: (data) => forward(data).logSumExp },
      ],
      outputs: [
        { name: "gradQkv", shape: [atoms, slots, 3 * width] },
        { name: "gradBias", shape: [1] },
      ],
      activations: ["qkv", "y", "gradY", "gradQkv"],
      flops: 14 * pairs,
      peers: { operation: "neighbourAttentionGrad", attributes: { heads } },
      emit: (graph, { gradBias, gradQkv, ...t }) => {
        graph.clear(gradBias);
        neighbourAttentionGrad(graph, { label: name, ...t, heads, gradQkv, gradBias });
      },
      expected: (data) => {
        const kept = forward(data);
        const { gradQkv, gradBias } = twin.neighbourAttentionGrad(ATTENTION, of(data), {
          ...kept,
          gradY: data.get("gradY")!,
        });
        const many = toleranceOf(atoms * slots ** 2);
        return [
          { output: "gradQkv", values: gradQkv },
          { output: "gradBias", values: [gradBias], tolerance: many },
        ];
      },
    }),
  ];

  function forward(data: CaseData): { y: Values; logSumExp: Values } {
    const { y, logSumExp } = twin.neighbourAttention(ATTENTION, of(data));
    return { y: Float32Array.from(y), logSumExp: Float32Array.from(logSumExp) };
  }
}

function directions(name: string, count: number): Float32Array<ArrayBuffer> {
  const values = uniform(name, 4 * count);
  for (let at = 0; at < values.length; at += 4) {
    const length = Math.hypot(values[at]!, values[at + 1]!, values[at + 2]!);
    for (let k = 0; k < 3; k++) values[at + k]! /= length;
    values[at + 3] = 1 + Math.abs(values[at + 3]!);
  }
  return values;
}

const config: ForceConfig = { ...presets["forces-small"]!, augment: "none", warmup: 0 };
const PLACES = 21;
const DATA_NAME = "forces/small";

/** Norms a little off one, biases off zero, tables that tell elements apart: so that all matter. */
function spreadOf(name: string, shape: readonly number[]): Spread {
  if (name.includes("atomic_embedding")) return { scale: 0.5 };
  if (shape.length === 2) return { scale: Math.sqrt(6 / (shape[0]! + shape[1]!)) };
  return name.endsWith("bias") ? { scale: 0.1 } : { base: 1, scale: 0.1 };
}

/** Atoms of four elements near the places of a cubic lattice. */
function batchOf(structures: number): { inputs: CaseData; shapes: Record<string, number[]> } {
  const atoms = structures * PLACES;
  const jitter = uniform(`${DATA_NAME}/positions`, 3 * atoms, { scale: 0.25 });
  const positions = jitter.map((off, at) => {
    const i = Math.floor(at / 3) % PLACES;
    return off + 1.5 * [i % 3, Math.floor(i / 3) % 3, Math.floor(i / 9)][at % 3]!;
  });
  const numbers = Float32Array.from({ length: atoms }, (_, i) => [6, 1, 8, 7][(5 * i + Math.floor(i / 7)) % 4]!);
  return {
    inputs: new Map<string, Values>([
      ["positions", positions],
      ["numbers", numbers],
      ["energies", uniform(`${DATA_NAME}/energies`, structures)],
      ["forces", uniform(`${DATA_NAME}/forces`, 3 * atoms)],
    ]),
    shapes: {
      positions: [structures, PLACES, 3],
      numbers: [structures, PLACES],
      energies: [structures],
      forces: [structures, PLACES, 3],
    },
  };
}

const parameters = (of = config) => escaipParameters(of);

function weights(of = config): CaseData {
  return new Map(
    parameters(of).map(({ name, shape }) => {
      return [name, uniform(`${DATA_NAME}/${name}`, elementCount(shape), spreadOf(name, shape))] as const;
    }),
  );
}

const count = (of = config) => parameters(of).reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** Multiply-adds of a network forward, as its reference makes them. */
interface Work {
  readonly ofEdge: number;
  readonly ofAtom: number;
}

const SMALL_WORK: Work = { ofEdge: 228_000, ofAtom: 128_000 };
const SPICE_WORK: Work = { ofEdge: 4_800_000, ofAtom: 1_110_000 };

const forwardFlops = (structures: number, { ofEdge, ofAtom } = SMALL_WORK) =>
  2 * structures * PLACES * ((PLACES - 1) * ofEdge + ofAtom);

function smallStep(): BenchCase {
  const { heads, energyWeight, forceWeight, clip = 0, lr, beta1, beta2, eps, weightDecay } = config;
  const specs = parameters().map(({ name, shape }) => ({ name, shape }));
  const { shapes } = batchOf(config.batch);
  return {
    ...stepOf("forces/train", config, SMALL_WORK),
    peers: {
      operation: "escaipTrain",
      attributes: { heads, energyWeight, forceWeight, clip, lr, beta1, beta2, eps, weightDecay },
      inputs: [...Object.entries(shapes).map(([name, shape]) => ({ name, shape })), ...specs],
      outputs: [{ name: "loss", shape: [1] }, ...specs.map(({ name, shape }) => ({ name: `grad/${name}`, shape }))],
    },
    expected: async () => (await import("../golden/escaip.ts")).expectedForceStep(),
  };
}

/** The network for SPICE as it is trained, in batches of 16. */
function spiceStep(): BenchCase {
  const spice: ForceConfig = { ...presets["forces-spice"]!, batch: 16, microBatch: 16 };
  return stepOf("forces/train/spice", spice, SPICE_WORK);
}

function stepOf(name: string, of: ForceConfig, work: Work): BenchCase {
  const { batch, preset } = of;
  const { inputs } = batchOf(batch);
  return {
    name,
    suite: "forces",
    shape: `a training step of the preset ${preset}, batch ${batch} of ${PLACES} atoms`,
    flops: 3 * forwardFlops(batch, work),
    bytes: 36 * count(of),
    tolerance: 1e-4,
    data: () => new Map([...inputs, ...weights(of)]),
    open: (gpu, data) => openForceStep(gpu, of, batchFrom(data, batch), data),
  };
}

function batchFrom(data: CaseData, structures: number): ForceBatch {
  const of = (name: string) => data.get(name) as Float32Array;
  const [positions, numbers, energies, forces] = [of("positions"), of("numbers"), of("energies"), of("forces")];
  return { structures, places: PLACES, positions, numbers, energies, forces };
}

const EVALUATED = 4;

function evaluation(): BenchCase {
  const { inputs, shapes } = batchOf(EVALUATED);
  const matrices = Float32Array.from(octahedralMatrices.flat());
  const specs = parameters().map(({ name, shape }) => ({ name, shape }));
  const target = inputs.get("forces")!;
  return {
    name: "forces/evaluation",
    suite: "forces",
    shape: `${EVALUATED} structures of ${PLACES} atoms under the 24 rotations of the cube, preset forces-small`,
    flops: 24 * forwardFlops(EVALUATED),
    bytes: 4 * count(),
    tolerance: 1e-4,
    peers: {
      operation: "escaipEvaluation",
      attributes: { heads: config.heads },
      inputs: [
        ...["positions", "numbers"].map((name) => ({ name, shape: shapes[name]! })),
        { name: "target", shape: shapes.forces! },
        { name: "matrices", shape: [24, 9] },
        ...specs,
      ],
      outputs: [{ name: "terms", shape: [4] }],
    },
    data: () => new Map([...inputs, ["target", target] as const, ["matrices", matrices] as const, ...weights()]),
    open: (gpu, data) => openForceEvaluation(gpu, config, batchFrom(data, EVALUATED), data),
    expected: async () => (await import("../golden/escaip.ts")).expectedForceEvaluation(),
  };
}
