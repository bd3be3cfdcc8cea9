import { VoxtwirlError } from "../errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import { Plan } from "../graph/plan.ts";

/** Grids [N, D, H, W, C]. */
export type GridShape = readonly [number, number, number, number, number];

/** Appends a forward pass: [N, D, H, W, C] to a prediction with one grid for each of the input's. */
export type GridNetwork = (graph: Graph, x: Tensor) => Tensor;

/** A plan for some grids at a time: `input` is filled, then the plan runs, then `output` is read or copied. */
export interface GridPlan {
  readonly plan: Plan;
  readonly input: BufferView;
  readonly output: BufferView;
  /** How many grids it takes. */
  readonly count: number;
}

/** Plans that are kept; each holds the memory of its activations. */
const KEPT = 4;

/** Runs a network on grids of whatever sizes, with a plan for each of the last few shapes. */
export class GridPlans {
  readonly #gpu: Gpu;
  readonly #precision: Precision;
  readonly #network: GridNetwork;
  /** By shape, the one used last at the end. */
  readonly #plans = new Map<string, GridPlan>();
  /** By the shape of one grid, how many are known to fit at once. */
  readonly #most = new Map<string, number>();
  #destroyed = false;

  constructor(gpu: Gpu, precision: Precision, network: GridNetwork) {
    this.#gpu = gpu;
    this.#precision = precision;
    this.#network = network;
  }

  /**
   * Calls and awaits `use` for one part of the grids after another: as many at a time as fit, all at once if they do.
   * The last part may have fewer than the plan takes.
   *
   * @throws VoxtwirlError "too-large" or "out-of-memory" when not even one grid fits
   */
  async each(
    shape: GridShape,
    use: (ready: GridPlan, first: number, count: number) => Promise<void> | void,
  ): Promise<void> {
    const [total] = shape;
    for (let first = 0; first < total;) {
      const ready = await this.#ready(shape);
      const count = Math.min(ready.count, total - first);
      await use(ready, first, count);
      first += count;
    }
  }

  async #ready([total, ...grid]: GridShape): Promise<GridPlan> {
    this.#check();
    const key = grid.join();
    let count = Math.min(total, this.#most.get(key) ?? total);
    for (;;) {
      const name = `${count},${key}`;
      const found = this.#plans.get(name);
      try {
        const ready = found ?? (await this.#create([count, ...grid]));
        this.#plans.delete(name);
        this.#plans.set(name, ready);
        // Destroyed in the meantime, perhaps.
        this.#keep(this.#destroyed ? 0 : KEPT);
        this.#check();
        return ready;
      } catch (error) {
        if (!(error instanceof VoxtwirlError)) throw error;
        if (error.code === "out-of-memory" && this.#plans.size > 0) {
          this.#keep(0);
          continue;
        }
        if ((error.code !== "out-of-memory" && error.code !== "too-large") || count === 1) throw error;
        count = Math.ceil(count / 2);
        this.#most.set(key, count);
      }
    }
  }

  async #create(shape: GridShape): Promise<GridPlan> {
    const gpu = this.#gpu;
    const graph = new Graph(gpu.caps, { precision: this.#precision });
    const size = shape.reduce((product, n) => product * n, 4);
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC;
    const input = { buffer: gpu.createBuffer("grids", size, usage), offset: 0, size };
    try {
      const prediction = graph.keep(this.#network(graph, graph.external("grids", shape, input)));
      const plan = await Plan.create(gpu, graph, { label: `forward ${shape.join("x")}` });
      return { plan, input, output: plan.view(prediction), count: shape[0] };
    } catch (error) {
      gpu.destroyBuffer(input.buffer);
      throw error;
    }
  }

  /** Destroys all but the `most` plans used last. What was submitted with them still runs to its end. */
  #keep(most: number): void {
    for (const [name, { plan, input }] of [...this.#plans].slice(0, Math.max(this.#plans.size - most, 0))) {
      this.#plans.delete(name);
      plan.destroy();
      this.#gpu.destroyBuffer(input.buffer);
    }
  }

  #check(): void {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this model was destroyed", "Load it again.");
  }

  destroy(): void {
    this.#destroyed = true;
    this.#keep(0);
  }
}
