import { requireArray, requireGpu, requireTyped } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { elementCount, type Tensor } from "../gpu/tensor.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import type { Graph } from "./graph.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";

/** What a model says of one parameter. Shapes are ours (see src/models/layouts.ts). */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** False for parameters that no operation uses: kept for checkpoints, never updated or decayed. */
  readonly trained: boolean;
  /** False for those that the optimiser's weight decay leaves alone. */
  readonly decayed?: boolean;
  /** Its entries that stay equal: training averages their gradients. Left out where none do. */
  readonly orbits?: () => Orbits;
}

/** Entries of an array that belong together: orbit o has members[starts[o]] up to members[starts[o + 1]]. */
export interface Orbits {
  readonly starts: Uint32Array;
  /** Each entry once at most, those of an orbit in rising order. */
  readonly members: Uint32Array;
}

/** The optimiser's arrays: "weights" always exists, the others only in a store made for training. */
export const PARAMETER_ARRAYS = ["weights", "grads", "m", "v", "ema"] as const;
/** One of the arrays that a store holds. */
export type ParameterArray = (typeof PARAMETER_ARRAYS)[number];

const READBACK_BYTES = 1 << 26;

/** Which parameters lie together: those of one treatment by the optimiser. */
interface PieceKind {
  readonly trained: boolean;
  readonly decayed: boolean;
}

const KINDS: readonly PieceKind[] = [
  { trained: true, decayed: true },
  { trained: true, decayed: false },
  { trained: false, decayed: false },
];

interface Piece extends PieceKind {
  bytes: number;
  readonly buffers: Map<ParameterArray, GPUBuffer>;
}

interface Slot {
  readonly spec: ParameterSpec;
  readonly piece: number;
  /** Bytes from the start of the piece. */
  readonly offset: number;
}

/**
 * All parameters of a model in few flat buffers, so that the optimiser passes over them in few dispatches. A buffer
 * ("piece") is at most one binding; each parameter starts at a binding's alignment. The gaps hold zeros, which every
 * update leaves zero.
 */
export class ParameterStore {
  /** The parameters, in the order given. */
  readonly specs: readonly ParameterSpec[];
  /** The arrays that there are of each trained parameter. */
  readonly arrays: readonly ParameterArray[];
  readonly #gpu: Gpu;
  #destroyed = false;
  readonly #slots = new Map<string, Slot>();
  readonly #pieces: Piece[] = [];

  constructor(gpu: Gpu, specs: readonly ParameterSpec[], arrays: readonly ParameterArray[] = PARAMETER_ARRAYS) {
    requireGpu(gpu);
    requireArray("specs", specs, "Give parameters: { name, shape, trained }.");
    this.#gpu = gpu;
    this.specs = specs;
    this.arrays = arrays;
    for (const kind of KINDS) {
      const { trained, decayed } = kind;
      const own = specs.filter((spec) => spec.trained === trained && (!trained || (spec.decayed ?? true) === decayed));
      this.#assign(own, kind);
    }
    const total = this.#pieces.reduce((sum, { bytes, trained }) => sum + bytes * (trained ? arrays.length : 1), 0);
    gpu.assertFits("the model's parameters and the optimiser's state", total);
    this.#pieces.forEach((piece, i) => {
      for (const array of piece.trained ? arrays : (["weights"] as const)) {
        const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
        piece.buffers.set(array, gpu.createBuffer(`parameters ${i} ${array}`, piece.bytes, usage));
      }
    });
  }

  #assign(specs: readonly ParameterSpec[], kind: PieceKind): void {
    const limit = this.#gpu.caps.maxBindingBytes;
    let current = -1;
    for (const spec of specs) {
      const bytes = alignUp(elementCount(spec.shape) * 4, BINDING_ALIGNMENT);
      if (bytes > limit) {
        throw new VoxtwirlError(
          "too-large",
          `parameter '${spec.name}' takes ${bytes} bytes, one binding of this adapter holds ${limit}`,
          "Use fewer channels or an adapter with a larger binding.",
        );
      }
      if (current < 0 || this.#pieces[current]!.bytes + bytes > limit) {
        current = this.#pieces.push({ ...kind, bytes: 0, buffers: new Map() }) - 1;
      }
      const piece = this.#pieces[current]!;
      this.#slots.set(spec.name, { spec, piece: current, offset: piece.bytes });
      piece.bytes += bytes;
    }
  }

  /** How many numbers the parameters hold, unused ones included. */
  get count(): number {
    return this.specs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  /**
   * Where one array of a parameter lies.
   *
   * @throws VoxtwirlError "internal" for a name or an array that the store does not have
   */
  view(name: string, array: ParameterArray = "weights"): BufferView {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this store was destroyed", "Make a new one.");
    const slot = this.#slots.get(name);
    if (!slot) {
      throw new VoxtwirlError(
        "internal",
        `no parameter '${name}'`,
        "Report this: the model asks for what it has not declared.",
      );
    }
    const piece = this.#pieces[slot.piece]!;
    // An unused parameter never changes: its average is itself.
    const buffer = piece.buffers.get(piece.trained ? array : "weights");
    if (!buffer) throw new VoxtwirlError("internal", `this store has no ${array}`, "Make the store for training.");
    return { buffer, offset: slot.offset, size: elementCount(slot.spec.shape) * 4 };
  }

  /** The flat pieces of the trained parameters, and whether the optimiser's weight decay is for them. */
  pieces(array: ParameterArray): (BufferView & { readonly decayed: boolean })[] {
    return this.#pieces
      .filter(({ trained }) => trained)
      .map(({ buffers, bytes, decayed }) => ({ buffer: buffers.get(array)!, offset: 0, size: bytes, decayed }));
  }

  /**
   * Gives a graph the parameters: with gradients, or as constants of one array ("weights" or "ema"). Of a matrix some
   * rows, `from` to before `to`, can be had as a parameter of their own.
   *
   * The function throws VoxtwirlError "bad-shape" for rows that do not begin where a binding can.
   */
  bind(
    graph: Graph,
    mode: { train: true } | { constants: "weights" | "ema" },
  ): (name: string, rows?: readonly [from: number, to: number]) => Tensor {
    const bound = new Map<string, Tensor>();
    return (name, rows) => {
      const label = rows ? `${name} ${rows.join(" to ")}` : name;
      let tensor = bound.get(label);
      if (!tensor) {
        const shape = this.#slots.get(name)?.spec.shape ?? [1];
        const part = (array: ParameterArray) => partOf(label, shape, this.view(name, array), rows);
        const { view, shape: own } = part("train" in mode ? "weights" : mode.constants);
        tensor = graph.parameter(label, own, view, "train" in mode ? part("grads").view : undefined);
        bound.set(label, tensor);
      }
      return tensor;
    };
  }

  /**
   * Queues a write of a parameter, in our layout.
   *
   * @throws VoxtwirlError "bad-shape" for another number of values
   */
  write(name: string, data: Float32Array, array: ParameterArray = "weights"): void {
    requireTyped(`the data of '${name}'`, data);
    const view = this.view(name, array);
    if (data.byteLength !== view.size) {
      throw new VoxtwirlError(
        "bad-shape",
        `parameter '${name}' has ${view.size / 4} numbers, got ${data.length}`,
        "Load a checkpoint of this model.",
      );
    }
    this.#gpu.write(view, data);
  }

  /** Values of one array of all parameters, in the order of `specs`. */
  async readAll(array: ParameterArray = "weights"): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const result = new Map<string, Float32Array<ArrayBuffer>>();
    const names = this.specs.map(({ name }) => name);
    let i = 0;
    for await (const values of this.readEach(names, array)) result.set(names[i++]!, values);
    return result;
  }

  /** Values of one array of some parameters, one after another. */
  async *readEach(
    names: readonly string[],
    array: ParameterArray = "weights",
  ): AsyncGenerator<Float32Array<ArrayBuffer>> {
    // In groups of at most 64 MiB, or of one parameter, so that the readback needs little memory besides.
    for (let next = 0; next < names.length;) {
      const group: BufferView[] = [];
      let bytes = 0;
      do {
        group.push(this.view(names[next++]!, array));
        bytes += group.at(-1)!.size;
      } while (next < names.length && bytes + this.view(names[next]!, array).size <= READBACK_BYTES);
      for (const buffer of await this.#gpu.read(...group)) yield new Float32Array(buffer);
    }
  }

  /** Frees all buffers. */
  destroy(): void {
    this.#destroyed = true;
    for (const { buffers } of this.#pieces) for (const buffer of buffers.values()) this.#gpu.destroyBuffer(buffer);
  }
}

/** Some rows of a matrix that lies in a buffer. */
function partOf(
  label: string,
  shape: readonly number[],
  view: BufferView,
  rows: readonly [from: number, to: number] | undefined,
): { shape: readonly number[]; view: BufferView } {
  if (!rows) return { shape, view };
  const bytes = (4 * elementCount(shape)) / shape[0]!;
  const [from, to] = rows;
  if (from < 0 || to <= from || to > shape[0]! || (from * bytes) % BINDING_ALIGNMENT !== 0) {
    const message = `${label} are rows of ${bytes} bytes of a parameter of shape [${shape.join(", ")}]`;
    const fix = `Choose sizes with which they begin at a multiple of ${BINDING_ALIGNMENT} bytes.`;
    throw new VoxtwirlError("bad-shape", message, fix);
  }
  const part = { ...view, offset: view.offset + from * bytes, size: (to - from) * bytes };
  return { shape: [to - from, ...shape.slice(1)], view: part };
}
