import { byteLength, elementCount, type Tensor } from "../src/gpu/tensor.ts";
import type { BufferView, Gpu } from "../src/gpu/gpu.ts";
import { decodeHalf, encodeHalf } from "../src/gpu/half.ts";
import { Graph } from "../src/graph/graph.ts";
import { Plan } from "../src/graph/plan.ts";
import {
  HALF_ROUNDING,
  type BenchCase,
  type CaseData,
  type Expected,
  type OpenCase,
  type PeerTask,
  type Values,
} from "./case.ts";
import { uniform, type Spread } from "./data.ts";

/** A tensor that a case reads. */
export interface InputSpec<Name extends string = string> {
  readonly name: Name;
  readonly shape: readonly number[];
  /** Whose input it is; both engines' by default. */
  readonly only?: "ours" | "peers";
  /** By default uniform numbers named after the case and the tensor, spread so. */
  readonly spread?: Spread;
  /** Values made otherwise, from those of the inputs before. */
  readonly make?: (data: CaseData) => Values;
}

export interface OutputSpec<Name extends string = string> {
  /** That of an input where it is changed in place. */
  readonly name: Name;
  readonly shape: readonly number[];
  /** It holds whole numbers. */
  readonly whole?: true;
}

export interface GraphCaseSpec<Input extends string = string, Output extends string = string> {
  readonly name: string;
  readonly suite: string;
  readonly shape: string;
  /** What the inputs' names begin with; by default `name`. */
  readonly dataName?: string;
  readonly inputs: readonly InputSpec<Input>[];
  readonly outputs: readonly OutputSpec<Output>[];
  readonly flops: number;
  /** By default all of our inputs and outputs once. */
  readonly bytes?: number;
  readonly tolerance: number;
  readonly peers?: Pick<PeerTask, "operation" | "attributes"> & { readonly outputs?: readonly OutputSpec[] };
  /** Inputs and outputs that half precision stores as f16, where the case is one for it. */
  readonly activations?: readonly NoInfer<Input | Output>[];
  /** Appends the work; `tensors` are our inputs and the outputs. */
  emit(graph: Graph, tensors: Readonly<Record<Input | Output, Tensor>>): void;
  readonly expected?: (data: CaseData) => readonly Expected[];
  /** Outputs under the names and in the layout of `expected`. */
  collect?(outputs: ReadonlyMap<string, Float32Array>): ReadonlyMap<string, ArrayLike<number>>;
}

/** Many sets would only take memory: what was used this long ago has left any cache. */
const MAX_SETS = 8;

/** A case that is a few kernels on inputs and outputs of its own. */
export function graphCase<Input extends string, Output extends string>(spec: GraphCaseSpec<Input, Output>): BenchCase {
  const { name, activations } = spec;
  if (!activations) return caseOf(spec, []);
  const inHalf = (): BenchCase => {
    const { peers: _, ...alone } = spec;
    const tolerance = spec.tolerance + HALF_ROUNDING;
    const renamed = { ...alone, name: `${name}/f16`, dataName: spec.dataName ?? name, tolerance };
    return { ...caseOf(renamed, activations), precision: "f16" };
  };
  return { ...caseOf(spec, []), inHalf };
}

/** `halves`: the tensors that are f16. */
function caseOf(spec: GraphCaseSpec, halves: readonly string[]): BenchCase {
  const { name, suite, shape, flops, tolerance, inputs, outputs } = spec;
  const ours = inputs.filter(({ only }) => only !== "peers");
  const bytesOf = ({ name, shape }: InputSpec | OutputSpec) => {
    return byteLength({ shape, dtype: halves.includes(name) ? "f16" : "f32" });
  };
  const bytes = spec.bytes ?? [...ours, ...outputs].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return {
    name,
    suite,
    shape,
    flops,
    bytes,
    tolerance,
    ...(spec.peers && {
      peers: {
        ...spec.peers,
        inputs: inputs.filter(({ only }) => only !== "ours"),
        outputs: spec.peers.outputs ?? outputs,
      },
    }),
    data: () => makeData(spec.dataName ?? name, inputs, halves),
    open: (gpu, data, cacheBytes) => openGraphCase(gpu, spec, ours, halves, data, setsFor(bytes, cacheBytes)),
    ...(spec.expected && { expected: spec.expected }),
  };
}

export function makeData(prefix: string, inputs: readonly InputSpec[], halves: readonly string[] = []): CaseData {
  const data = new Map<string, Values>();
  for (const { name, shape, spread, make } of inputs) {
    const values = make ? make(data) : uniform(`${prefix}/${name}`, elementCount(shape), spread);
    data.set(name, halves.includes(name) ? decodeHalf(encodeHalf(values), values.length) : values);
  }
  return data;
}

/** Enough sets that a set has left the cache before it is used again; one where none would fit. */
export function setsFor(bytes: number, cacheBytes: number): number {
  return Math.min(MAX_SETS, Math.ceil(cacheBytes / bytes) + 1);
}

async function openGraphCase(
  gpu: Gpu,
  spec: GraphCaseSpec,
  ours: readonly InputSpec[],
  halves: readonly string[],
  data: CaseData,
  count: number,
): Promise<OpenCase> {
  const views: BufferView[] = [];
  const plans: Plan[] = [];
  const destroy = () => {
    for (const plan of plans) plan.destroy();
    for (const { buffer } of views) gpu.destroyBuffer(buffer);
  };
  try {
    let outputs: Tensor[] = [];
    let variant = "";
    let compileMs = 0;
    for (let set = 0; set < count; set++) {
      const graph = new Graph(gpu.caps, { precision: halves.length > 0 ? "f16" : "f32" });
      const tensors: Record<string, Tensor> = {};
      const place = (name: string, shape: readonly number[], values: Values) => {
        const half = halves.includes(name);
        const view = gpu.upload(`${spec.name} ${name}`, half ? new Uint32Array(encodeHalf(values).buffer) : values);
        views.push(view);
        const dtype = half ? "f16" : values instanceof Uint32Array ? "u32" : "f32";
        return (tensors[name] = graph.external(name, shape, view, dtype));
      };
      for (const { name, shape } of ours) place(name, shape, data.get(name)!);
      // NaN where the kernel does not write.
      const written = spec.outputs.map(({ name, shape, whole }) => {
        const nothing = new Float32Array(elementCount(shape)).fill(NaN);
        return tensors[name] ?? place(name, shape, whole ? new Uint32Array(nothing.buffer) : nothing);
      });
      spec.emit(graph, tensors);
      await gpu.finish();
      const start = performance.now();
      plans.push(await Plan.create(gpu, graph, { label: spec.name }));
      if (set > 0) continue;
      compileMs = performance.now() - start;
      outputs = written;
      variant = variantOf(graph);
    }
    let next = 0;
    return {
      compileMs,
      variant,
      sets: count,
      run: (timer) => {
        const plan = plans[next++ % count]!;
        if (timer) plan.runTimed(timer);
        else plan.run();
      },
      outputs: async () => {
        const values = (await plans[0]!.read(...outputs)) as Float32Array[];
        const raw = new Map(outputs.map(({ label }, i) => [label, values[i]!]));
        return spec.collect?.(raw) ?? raw;
      },
      destroy,
    };
  } catch (error) {
    destroy();
    throw error;
  }
}

/** Shader and constants of the dispatch with the most operations, or bytes where none has any. */
export function variantOf(graph: Graph): string {
  let heaviest: { name: string; flops: number; bytes: number } | undefined;
  for (const command of graph.commands) {
    if (command.kind !== "dispatch") continue;
    const { shader, constants = {}, flops, bytes } = command.dispatch;
    if (heaviest && (heaviest.flops > flops || (heaviest.flops === flops && heaviest.bytes >= bytes))) continue;
    const set = Object.entries(constants).map(([name, value]) => `${name}=${Number(value)}`);
    heaviest = { name: [shader.name, ...set].join(" "), flops, bytes };
  }
  return heaviest?.name ?? "";
}
