import { readFileSync } from "node:fs";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { elementCount } from "../../src/gpu/tensor.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { ParameterStore } from "../../src/graph/parameters.ts";
import { chainArrays, timeFeatures } from "../../src/models/flowInputs.ts";
import type { FlowInputs } from "../../src/models/flowNet.ts";
import { flowNetParameters, type FlowNetConfig } from "../../src/models/flowNetLayout.ts";
import { fromTorch } from "../../src/models/layouts.ts";
import { chainSide } from "../../src/tasks/flow/chainSide.ts";

interface FlowCoordinates {
  readonly x?: ArrayLike<number>;
  readonly previous?: ArrayLike<number> | undefined;
  readonly present?: number;
}

/** Numbers of one of flow/'s nets. */
export class FlowGolden {
  readonly config: FlowNetConfig;
  readonly lengths: readonly number[];
  readonly places: number;
  readonly zeroGradients: readonly string[];
  readonly #file: ReturnType<typeof decodeSafetensors>;

  constructor(name: string) {
    this.#file = decodeSafetensors(readFileSync(new URL(`flow/${name}.safetensors`, import.meta.url)), name);
    const { D, L, H, C, P, T, I, R } = JSON.parse(this.#file.metadata.config!) as Record<string, number>;
    const sizes = { hidden: D!, layers: L!, heads: H!, conditioning: C!, pair: P!, registers: R! };
    this.config = { ...sizes, timeEmbedding: T!, indexEmbedding: I! };
    this.zeroGradients = JSON.parse(this.#file.metadata.zeroGradients!) as string[];
    const { shape, data } = this.#tensor("in/mask");
    this.places = shape[1]!;
    this.lengths = Array.from({ length: shape[0]! }, (_, b) =>
      Array.from(data as Uint8Array)
        .slice(b * this.places, (b + 1) * this.places)
        .reduce((sum, one) => sum + one, 0),
    );
  }

  get side(): number {
    return chainSide(this.config, this.places);
  }

  #tensor(name: string) {
    const tensor = this.#file.tensors.get(name);
    if (!tensor) throw new Error(`no array '${name}'`);
    return tensor;
  }

  get(name: string): Float32Array {
    return this.#tensor(name).data as Float32Array;
  }

  has(name: string): boolean {
    return this.#file.tensors.has(name);
  }

  /** How many arrays have names that begin so. */
  count(prefix: string): number {
    return [...this.#file.tensors.keys()].filter((name) => name.startsWith(prefix)).length;
  }

  /** Writes the weights, which are whole or bytes with a scale. */
  load(store: ParameterStore): void {
    for (const { name, kind } of flowNetParameters(this.config)) {
      const whole = this.has(`param/${name}`);
      const { shape, data } = this.#tensor(whole ? `param/${name}` : `param8/${name}`);
      const scale = whole ? 1 : this.get(`scale/${name}`)[0]!;
      store.write(
        name,
        fromTorch(
          kind,
          shape,
          Float32Array.from(data as Int8Array, (w) => w * scale),
        ).data,
      );
    }
  }

  /** Numbers of residues with places for registers before them. */
  withRegisters(values: ArrayLike<number>, each: number): Float32Array<ArrayBuffer> {
    const result = new Float32Array(this.lengths.length * this.side * each);
    const row = this.places * each;
    for (let b = 0; b < this.lengths.length; b++) {
      const from = Array.from(values).slice(b * row, (b + 1) * row);
      result.set(from, (b * this.side + this.config.registers) * each);
    }
    return result;
  }

  /** The inputs, of other coordinates if asked for; `present` says whether previous ones count. */
  inputs(gpu: Gpu, graph: Graph, { x = this.get("in/xt"), previous, present }: FlowCoordinates): FlowInputs {
    const chains = this.lengths.length;
    const breaks = this.lengths.map((length, b) =>
      Array.from({ length }, (_, i) => i).filter((i) => this.get("in/break")[b * this.places + i] === 1),
    );
    const arrays = chainArrays(this.config, {
      lengths: this.lengths,
      places: this.side - this.config.registers,
      breaks,
    });
    const external = (name: string, shape: readonly number[], data: Float32Array | Uint32Array) =>
      graph.external(name, shape, gpu.upload(name, data), data instanceof Uint32Array ? "u32" : "f32");
    const tokens = [chains, this.side];
    const { indexEmbedding, timeEmbedding } = this.config;
    return {
      x: external("x", [...tokens, 3], this.withRegisters(x, 3)),
      previous: previous && external("previous", [...tokens, 3], this.withRegisters(previous, 3)),
      ...(present !== undefined && { present: external("present", [1], Float32Array.of(present)) }),
      residues: external("residues", tokens, arrays.residues),
      times: external("times", [chains], this.get("in/t")),
      tokens: external("tokens", tokens, arrays.tokens),
      chains: external("chains", [chains + 1], arrays.chains),
      registerRows: external("registerRows", tokens, arrays.registerRows),
      placeFeatures: external("placeFeatures", [...tokens, indexEmbedding + 1], arrays.placeFeatures),
      timeFeatures: external("time", [chains + 1, timeEmbedding], timeFeatures(this.config, this.get("in/t"))),
    };
  }

  /**
   * The largest difference from an array of the file, over its largest number; of real tokens alone.
   *
   * @param got [b, S, each], [b, S, S, each] for pairs; the file's may lack the registers
   */
  error(name: string, got: ArrayLike<number>): number {
    const { shape } = this.#tensor(name);
    const want = this.get(name);
    const isPair = shape.length === 4;
    const each = shape[shape.length - 1]!;
    const from = shape[1] === this.places ? this.config.registers : 0;
    const side = shape[1]!;
    let [worst, largest] = [0, 0];
    const see = (a: number, b: number) => {
      const [value, expected] = [got[a]!, want[b]!];
      largest = Math.max(largest, Math.abs(expected));
      worst = Math.max(worst, Number.isNaN(value) ? Infinity : Math.abs(value - expected));
    };
    this.lengths.forEach((length, b) => {
      const count = length + this.config.registers - from;
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < (isPair ? count : 1); j++) {
          const ours = isPair ? (b * this.side + from + i) * this.side + from + j : b * this.side + from + i;
          const theirs = isPair ? (b * side + i) * side + j : b * side + i;
          for (let c = 0; c < each; c++) see(ours * each + c, theirs * each + c);
        }
      }
    });
    return worst / largest;
  }

  /** Whole, or sampled as the file's arrays are: every k-th number of PyTorch's layout. */
  sampled(name: string, shape: readonly number[], values: ArrayLike<number>): Float32Array {
    const size = elementCount(shape);
    const stored = this.get(name).length;
    if (stored === size) return Float32Array.from(values);
    const last = shape[shape.length - 1]!;
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    let k = Math.max(1, Math.floor(size / 256));
    while (divisor(k, last) > 1) k++;
    return Float32Array.from({ length: stored }, (_, i) => values[i * k]!);
  }
}
