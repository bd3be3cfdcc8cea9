import { rotatePoints, type Rotation } from "../../equivariance/groups.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Graph } from "../../graph/graph.ts";
import { chainArrays, timeFeatures } from "../../models/flowInputs.ts";
import type { FlowInputs } from "../../models/flowNet.ts";
import type { FlowNetConfig } from "../../models/flowNetLayout.ts";
import { chainSide } from "./chainSide.ts";
import type { FlowSample } from "./flowSamples.ts";

/** How many chains, for which network. */
export interface PosedChainsOptions {
  readonly config: FlowNetConfig;
  /** Residues of a chain at most. */
  readonly places: number;
  /** Chains of a replay, and copies of each in rotations of their own. */
  readonly chains: number;
  readonly copies: number;
}

/** A chain between noise and data, and the rotations that it is predicted in. */
export interface PosedChain {
  readonly sample: Pick<FlowSample, "residues" | "time" | "x" | "breaks">;
  /** The self-condition, [n, 3] in nm: it turns with the chain. */
  readonly previous?: Float64Array | undefined;
  /** As many as a replay has copies, or fewer. */
  readonly rotations: readonly Rotation[];
}

/** The network's inputs, which the host writes before a replay. */
export class PosedChains {
  readonly tensors: FlowInputs;
  readonly #gpu: Gpu;
  readonly #options: PosedChainsOptions;
  readonly #views = new Map<string, BufferView>();

  constructor(gpu: Gpu, graph: Graph, options: PosedChainsOptions) {
    this.#gpu = gpu;
    this.#options = options;
    const { config, chains, copies, places } = options;
    const side = chainSide(config, places);
    const input = (name: string, shape: readonly number[], dtype: "f32" | "u32" = "f32") => {
      const numbers = shape.reduce((product, n) => product * n, 1);
      const view = gpu.upload(name, dtype === "u32" ? new Uint32Array(numbers) : new Float32Array(numbers));
      this.#views.set(name, view);
      return graph.external(name, shape, view, dtype);
    };
    const rows = [chains, side];
    this.tensors = {
      x: input("x", [chains * copies, side, 3]),
      previous: input("previous", [chains * copies, side, 3]),
      ...(copies > 1 && { pairX: input("pairX", [...rows, 3]), pairPrevious: input("pairPrevious", [...rows, 3]) }),
      present: input("present", [1]),
      residues: input("residues", rows),
      times: input("times", [chains]),
      tokens: input("tokens", rows),
      chains: input("chains", [chains + 1]),
      registerRows: input("registerRows", rows, "u32"),
      placeFeatures: input("placeFeatures", [...rows, config.indexEmbedding + 1]),
      timeFeatures: input("timeFeatures", [chains + 1, config.timeEmbedding]),
    };
  }

  /** Writes what the next replay takes; left-over places get the first chain and rotation again. */
  write(posed: readonly PosedChain[]): void {
    const { config, chains, copies, places } = this.#options;
    const side = chainSide(config, places);
    const all = Array.from({ length: chains }, (_, i) => posed[i] ?? posed[0]!);
    const turned = new Float32Array(3 * chains * copies * side);
    const turnedPrevious = new Float32Array(turned.length);
    const lying = new Float32Array(3 * chains * side);
    const lyingPrevious = new Float32Array(lying.length);
    all.forEach(({ sample: { x }, previous, rotations }, chain) => {
      const place = (copy: number, each: number) => 3 * ((chain * each + copy) * side + config.registers);
      lying.set(x, place(0, 1));
      if (previous) lyingPrevious.set(previous, place(0, 1));
      for (let copy = 0; copy < copies; copy++) {
        const rotation = rotations[copy] ?? rotations[0]!;
        turned.set(rotatePoints(rotation, x), place(copy, copies));
        if (previous) turnedPrevious.set(rotatePoints(rotation, previous), place(copy, copies));
      }
    });
    const times = all.map(({ sample }) => sample.time);
    const lengths = all.map(({ sample }) => sample.residues);
    const breaks = all.map(({ sample }) => sample.breaks);
    const arrays: Record<string, Float32Array | Uint32Array> = {
      ...{ x: turned, previous: turnedPrevious, pairX: lying, pairPrevious: lyingPrevious },
      present: Float32Array.of(posed[0]!.previous ? 1 : 0),
      times: Float32Array.from(times),
      timeFeatures: timeFeatures(config, times),
      ...chainArrays(config, { lengths, places: side - config.registers, breaks }),
    };
    for (const [name, view] of this.#views) this.#gpu.write(view, arrays[name]!);
  }

  destroy(): void {
    for (const { buffer } of this.#views.values()) this.#gpu.destroyBuffer(buffer);
  }
}
