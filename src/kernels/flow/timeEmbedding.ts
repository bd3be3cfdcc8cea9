import timeEmbeddingShader from "../../../shaders/flow/timeEmbedding.wgsl";
import { requireArgs, requireWhole } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";

/** The angle of time 1 at the highest frequency. */
const HIGHEST = 2000;
const WORD = 2 ** 32;

/**
 * The frequencies of n angles 2000 t 2000^(-k / (n - 1)) of times t, u32 [n, 2], as `timeEmbedding` takes them: twice
 * the turns of time 1, as a whole number and its fraction times 2^32.
 *
 * @throws VoxtwirlError "bad-option" for fewer than two
 */
export function timeFrequencies(count: number): Uint32Array<ArrayBuffer> {
  requireWhole("the number of frequencies", count, 2, 2 ** 16);
  const twice = Array.from({ length: count }, (_, k) => HIGHEST ** (1 - k / (count - 1)) / Math.PI);
  return Uint32Array.from(twice.flatMap((turns) => [Math.floor(turns), (turns % 1) * WORD]));
}

/** What `timeEmbedding` takes. */
export interface TimeEmbeddingArgs {
  label: string;
  /** f32 [b], in [0, 1]. */
  times: Tensor;
  /** u32 [n, 2]: `timeFrequencies`. */
  frequencies: Tensor;
  /** Written, f32 [b + 1, 2 n]; the last row is 0. */
  features: Tensor;
}

/**
 * The sines and then the cosines of 2000 t 2000^(-k / (n - 1)), k = 0 .. n - 1, for each time t: what `timeFeatures`
 * makes, to 2e-7, although angles reach 2000.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function timeEmbedding(ctx: KernelContext, args: TimeEmbeddingArgs): void {
  requireArgs("timeEmbedding", ctx, args, "times frequencies features");
  const { label, times, frequencies, features } = args;
  if (frequencies.shape.length !== 2) throw badShape(label, "frequencies must be [n, 2]", { frequencies });
  const chains = elementCount(times.shape);
  const half = frequencies.shape[0]!;
  requireShape(label, "times", times, [chains]);
  requireWords(label, "frequencies", frequencies, 2 * half);
  requireShape(label, "features", features, [chains + 1, 2 * half]);
  ctx.dispatch({
    label,
    shader: timeEmbeddingShader,
    params: { chains, half },
    bindings: { times, frequencies, features },
    workgroups: threads1d((chains + 1) * half),
    flops: 20 * chains * half,
    bytes: [times, frequencies, features].reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What the work of a call depends on. */
export interface TimeEmbeddingShape extends CallShape {
  readonly chains: number;
  /** Frequencies. */
  readonly half: number;
}

/** What there is to know of `timeEmbedding`. */
export const timeEmbeddingKernel: Kernel<TimeEmbeddingShape> = {
  name: "timeEmbedding",
  shaders: [timeEmbeddingShader],
  shapes: [
    { chains: 6, half: 33 },
    { chains: 1, half: 2 },
  ],
  example({ chains, half }) {
    // 1 and its third, ninth, ...
    const times = Float32Array.from({ length: chains }, (_, b) => 3 ** -b);
    return example({
      tensors: {
        times: input([chains], times),
        frequencies: input([half, 2], timeFrequencies(half)),
        features: output([chains + 1, 2 * half]),
      },
      terms: 1,
      emit: (ctx, tensors) => timeEmbedding(ctx, { label: "timeEmbedding", ...tensors }),
    });
  },
};
