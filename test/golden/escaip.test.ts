import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { Graph } from "../../src/graph/graph.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { Plan } from "../../src/graph/plan.ts";
import { StepUniform } from "../../src/graph/stepUniform.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { adamw } from "../../src/kernels/adamw.ts";
import { gradNorm } from "../../src/kernels/gradNorm.ts";
import { energyLoss, forceLoss } from "../../src/kernels/structures/forceFieldLoss.ts";
import { escaip, type EscaipOutput } from "../../src/models/escaip.ts";
import { escaipParameters, type EscaipConfig } from "../../src/models/escaipLayout.ts";
import { toTorch } from "../../src/models/layouts.ts";
import { loadModel } from "../../src/training/checkpoint.ts";
import {
  posedStructures,
  reverseEdges,
  structureTensors,
  uploadStructures,
} from "../../src/tasks/forces/atomicGraph.ts";
import { ForceEvaluator } from "../../src/tasks/forces/forceEvaluator.ts";
import { sampleTerms } from "../../src/equivariance/sampleTerms.ts";
import { squaredError } from "../../src/equivariance/losses.ts";
import { testGpu } from "../harness.ts";

const config: EscaipConfig = {
  hidden: 64,
  layers: 2,
  heads: 4,
  atomEmbedding: 32,
  gaussians: 64,
  distanceEmbedding: 64,
  directionEmbedding: 16,
  cutoff: 12,
  neighbours: 20,
  multiplier: 2,
};

const COUNTS = [9, 21, 24];
const PLACES = 24;

const file = (name: string) =>
  decodeSafetensors(readFileSync(new URL(`escaip/${name}.safetensors`, import.meta.url)), name);
const valuesOf = (of: ReturnType<typeof file>, name: string) => of.tensors.get(name)!.data as Float32Array;

/** Rows of the 54 atoms among those of the padded batch. */
const rows = COUNTS.flatMap((count, b) => Array.from({ length: count }, (_, i) => b * PLACES + i));
const unpadded = (values: ArrayLike<number>, each: number) =>
  Float32Array.from(
    { length: rows.length * each },
    (_, at) => values[rows[Math.floor(at / each)]! * each + (at % each)]!,
  );
function padded(values: ArrayLike<number>, each: number): Float32Array {
  const result = new Float32Array(COUNTS.length * PLACES * each);
  rows.forEach((row, i) => {
    for (let c = 0; c < each; c++) result[row * each + c] = values[i * each + c]!;
  });
  return result;
}

const worst = (got: ArrayLike<number>, want: ArrayLike<number>) =>
  Array.from(want).reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]!)), 0);

describe("EScAIP against its reference's numbers", () => {
  let gpu: Gpu;
  const numbers = file("case");
  const golden = (name: string) => valuesOf(numbers, name);
  const parameters = escaipParameters(config);
  beforeAll(async () => {
    gpu = await testGpu();
  });

  /** The batch of the three molecules, with weights that a store holds. */
  function batch(graph: Graph, store: ParameterStore, train: boolean, feature?: (name: string, t: Tensor) => void) {
    const upload = (label: string, values: Float32Array | Uint32Array) => gpu.upload(label, values);
    const z = numbers.tensors.get("atomic_numbers")!.data as Int32Array;
    const atoms = Float32Array.from({ length: 4 * rows.length }, (_, i) =>
      i % 4 === 3 ? z[(i - 3) / 4]! : golden("positions")[3 * Math.floor(i / 4) + (i % 4)]!,
    );
    const offsets = Uint32Array.of(0, 9, 30, 54);
    const packed = { atoms, offsets, count: 3, places: PLACES };
    const structures = structureTensors(graph, uploadStructures(upload, "golden", packed));
    const chosen = graph.external("chosen", [3], upload("chosen", Uint32Array.of(0, 1, 2)), "u32");
    const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    const poses = graph.external(
      "poses",
      [3, 12],
      upload("poses", Float32Array.from([0, 1, 2].flatMap(() => identity))),
    );
    const atomic = posedStructures(graph, { structures, chosen, poses, rule: config });
    reverseEdges(graph, atomic);
    const parameter = store.bind(graph, train ? { train: true } : { constants: "weights" });
    const output = escaip(graph, config, atomic, { parameter, ...(feature && { feature }) });
    return { atomic, output };
  }

  function losses(graph: Graph, { energies, forces }: EscaipOutput, counts: Tensor) {
    const external = (name: string, shape: number[], values: Float32Array) =>
      graph.external(name, shape, gpu.upload(name, values));
    const terms = [external("energy loss", [1], new Float32Array(1)), external("force loss", [1], new Float32Array(1))];
    const gradEnergies = graph.scratch("energies grad", [3]);
    const gradForces = graph.scratch("forces grad", [3, PLACES, 3]);
    for (const term of terms) graph.clear(term);
    const targets = external("energy targets", [3], Float32Array.from(golden("energy_target")));
    energyLoss(graph, { label: "energies", energies, targets, gradEnergies, loss: terms[0]!, scale: 4 / 3 });
    forceLoss(graph, {
      label: "forces",
      forces,
      targets: external("force targets", [3, PLACES, 3], padded(golden("force_target"), 3)),
      counts,
      atomCount: external("atom count", [1], Float32Array.of(54)),
      gradForces,
      loss: terms[1]!,
      scale: 100,
    });
    graph.backward(forces, gradForces, [{ output: energies, gradOutput: gradEnergies }]);
    return terms;
  }

  it("has the reference's parameters", () => {
    const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);
    expect(count).toBe(382_178);
    expect(parameters.map(({ name }) => name).sort()).toEqual([...file("weights").tensors.keys()].sort());
    const undecayed = parameters.filter(({ decayed }) => decayed === false);
    expect(undecayed).toHaveLength(65);
    const spice = { ...config, hidden: 128, layers: 6, heads: 8, atomEmbedding: 128, gaussians: 600 };
    const full = escaipParameters({ ...spice, distanceEmbedding: 512, directionEmbedding: 64 });
    expect(full.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0)).toBe(6_137_222);
  });

  it("gives its neighbours, features, energies and forces", async () => {
    const store = new ParameterStore(gpu, parameters, ["weights"]);
    loadModel(store, parameters, file("weights"), "weights");
    const graph = new Graph(gpu.caps);
    const features = new Map<string, Tensor>();
    const { atomic, output } = batch(graph, store, false, (name, tensor) => features.set(name, graph.keep(tensor)));
    for (const tensor of [atomic.neighbours, atomic.edges, atomic.bondOrders]) graph.keep(tensor);
    for (const tensor of Object.values(output)) graph.keep(tensor as Tensor);
    const plan = await Plan.create(gpu, graph, { label: "golden" });
    plan.run();
    const read = async (tensor: Tensor, each: number) => unpadded((await plan.read(tensor))[0]!, each);
    const list = await read(atomic.neighbours, 20);
    const wanted = numbers.tensors.get("neighbor_list")!.data as Int32Array;
    // Atom 0 of molecule b is number 24 b in the batch.
    const inBatch = Array.from(wanted, (j) => (j < 0 ? 0xffffffff : rows[j]!));
    expect(Array.from(list)).toEqual(inBatch.map(Math.fround));
    const edges = await read(atomic.edges, 80);
    expect(
      worst(
        edges.filter((_, i) => i % 4 === 3),
        golden("edge_distance"),
      ),
    ).toBeLessThan(2e-6);
    expect(
      worst(
        edges.filter((_, i) => i % 4 !== 3),
        golden("edge_direction"),
      ),
    ).toBeLessThan(1e-6);
    expect(worst(await read(atomic.bondOrders, 10), golden("boo"))).toBeLessThan(4e-6);
    const used = Array.from(wanted, (j) => j >= 0);
    const off: Record<string, number> = {};
    for (const [name, tensor] of features) {
      const known = numbers.tensors.get(`feature.${name}`);
      if (!known) continue;
      const perEdge = tensor.shape.length === 3;
      const got = await read(tensor, perEdge ? 20 * 64 : 64);
      // Free slots hold what nothing depends on.
      off[name] = worst(
        got.map((value, at) => (!perEdge || used[Math.floor(at / 64)] ? value : 0)),
        known.data as Float32Array,
      );
    }
    const kept = [
      "block0.attention",
      "block0.node",
      "block1.node",
      "final.edge",
      "final.node",
      "input.edge",
      "input.node",
    ];
    expect(Object.keys(off).sort()).toEqual(kept);
    for (const [name, error] of Object.entries(off)) expect(error, name).toBeLessThan(2e-5);
    const [energies] = await plan.read(output.energies);
    expect(worst(energies!, golden("energy"))).toBeLessThan(1e-5);
    expect(worst(await read(output.forces, 3), golden("forces"))).toBeLessThan(3e-4);
    plan.destroy();
    store.destroy();
  });

  it("gives its gradients, and its weights after three steps", async () => {
    const store = new ParameterStore(gpu, parameters);
    loadModel(store, parameters, file("weights"), "weights");
    const graph = new Graph(gpu.caps);
    const uniform = new StepUniform(gpu, "step");
    const step = graph.external("step", [8], uniform.view());
    const pieces = (array: "weights" | "grads" | "m" | "v" | "ema") =>
      store.pieces(array).map((view, i) => graph.external(`${array} ${i}`, [view.size / 4], view));
    const grads = pieces("grads");
    for (const piece of grads) graph.clear(piece);
    const { atomic, output } = batch(graph, store, true);
    for (const tensor of [output.energies, output.forces]) graph.keep(tensor);
    const terms = losses(graph, output, atomic.counts);
    const flags = graph.external("flags", [4], gpu.upload("flags", new Uint32Array(4)), "u32");
    const norm = graph.external("norm", [1], gpu.upload("norm", new Float32Array(1)));
    const [weights, m, v, ema] = (["weights", "m", "v", "ema"] as const).map(pieces) as [
      Tensor[],
      Tensor[],
      Tensor[],
      Tensor[],
    ];
    gradNorm(graph, { label: "norm", grads, loss: terms[1]!, norm, flags, step });
    store.pieces("weights").forEach(({ decayed }, i) => {
      const state = { weights: weights[i]!, grads: grads[i]!, m: m[i]!, v: v[i]!, ema: ema[i]! };
      const rates = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: decayed ? 0.01 : 0 };
      adamw(graph, { label: `adamw ${i}`, ...state, flags, step, ...rates, clip: { norm, max: 10 } });
    });
    const plan = await Plan.create(gpu, graph, { label: "golden step" });
    const run = async (t: number) => {
      const corrections = { correction1: 1 - 0.9 ** t, correction2: 1 - 0.999 ** t };
      uniform.set({ seed: 0, step: t - 1, sample: 0, lr: 1e-4, ...corrections, emaDecay: 0 });
      uniform.write();
      plan.run();
      const [energyTerm, forceTerm, length] = await plan.read(...terms, norm);
      return [energyTerm![0]! + forceTerm![0]!, energyTerm![0]! / 4, forceTerm![0]! / 100, length![0]!];
    };
    const steps = file("steps");
    const wanted = valuesOf(steps, "losses");
    const first = await run(1);
    const wrong: string[] = [];
    const made = await store.readAll("grads");
    for (const { name, kind, shape } of parameters) {
      const got = toTorch(kind, shape, made.get(name)!).data;
      const want = valuesOf(file("grads"), name);
      // The gradient of the keys' bias is zero: what stands there is rounding.
      const keys = (i: number) => name.endsWith("in_proj_bias") && i >= 64 && i < 128;
      const length = Math.sqrt(want.reduce((sum, g, i) => sum + (keys(i) ? 0 : g * g), 0));
      const off = Math.sqrt(want.reduce((sum, g, i) => sum + (keys(i) ? 0 : (g - got[i]!) ** 2), 0));
      if (!(off <= 1e-4 * length)) wrong.push(`${name} ${off / length}`);
      got.forEach((g, i) => keys(i) && Math.abs(g) > 1e-5 && wrong.push(`${name} ${i} ${g}`));
    }
    expect(wrong).toEqual([]);
    const all = [first, await run(2), await run(3)];
    all.forEach((row, t) => {
      row.forEach((value, i) => {
        const want = wanted[4 * t + i]!;
        // The first weights are the same. Later the directions of small errors, which gradients are made of, differ.
        const most = t === 0 ? 3e-6 : i === 3 ? 5e-4 : 3e-5;
        expect(Math.abs(value / want - 1), `step ${t}, number ${i}`).toBeLessThan(most);
      });
    });
    const after = await store.readAll();
    const apart: number[] = [];
    for (const { name, kind, shape } of parameters) {
      const got = toTorch(kind, shape, after.get(name)!).data;
      const keys = (at: number) => name.endsWith("in_proj_bias") && at >= 64 && at < 128;
      valuesOf(steps, `sample.${name}`).forEach((value, i) => {
        if (!keys(8 * i)) apart.push(Math.abs(value - got[8 * i]!));
      });
    }
    apart.sort((a, b) => b - a);
    expect(apart[5]).toBeLessThan(1e-5);
    expect(apart[0]).toBeLessThan(1e-4);
    plan.destroy();
    uniform.destroy();
    store.destroy();
  });

  it("splits the loss as the reference's 24 rotations do, and as its closed form", async () => {
    const store = new ParameterStore(gpu, parameters, ["weights"]);
    loadModel(store, parameters, file("weights"), "weights");
    const z = numbers.tensors.get("atomic_numbers")!.data as Int32Array;
    const four = (values: Float32Array, last: (i: number) => number) =>
      Float32Array.from({ length: 4 * 54 }, (_, at) =>
        at % 4 === 3 ? last((at - 3) / 4) : values[3 * Math.floor(at / 4) + (at % 4)]!,
      );
    const evaluator = await ForceEvaluator.create(gpu, {
      ...{ config, group: "octahedral", rotations: 24, seed: 1, precision: "f32" },
      structures: {
        ...{ atoms: four(golden("positions"), (i) => z[i]!), forces: four(golden("force_target"), () => 0) },
        ...{ offsets: Uint32Array.of(0, 9, 30, 54), count: 3, places: 24, sourceIndex: Uint32Array.of(0, 1, 2) },
        ...{ energies: Float32Array.from(golden("energy_target")) },
        scales: { elementEnergies: [], energyScale: 1, forceScale: 1 },
      },
      parameters: (graph) => store.bind(graph, { constants: "weights" }),
    });
    let atom = 0;
    for await (const { atoms, predictions, target, closed } of evaluator.results(Uint32Array.of(0, 1, 2))) {
      const sum = (name: string) =>
        golden(name)
          .subarray(atom, atom + atoms)
          .reduce((total, x) => total + x, 0);
      const terms = sampleTerms(squaredError, { predictions, target, rotations: 24, groupOrder: 24 }, 0);
      expect(terms.total / sum("cube_ltotal")).toBeCloseTo(1, 4);
      expect(terms.equiv / sum("cube_lequiv")).toBeCloseTo(1, 4);
      expect((terms.total - terms.equiv) / sum("cube_lmean")).toBeCloseTo(1, 4);
      expect(closed.equiv / sum("oracle_lequiv")).toBeCloseTo(1, 5);
      expect(worst(closed.mean, golden("oracle_mean").subarray(3 * atom, 3 * (atom + atoms)))).toBeLessThan(2e-5);
      atom += atoms;
    }
    expect(atom).toBe(54);
    evaluator.destroy();
    store.destroy();
  });
});
