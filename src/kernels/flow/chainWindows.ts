import chainWindowsShader from "../../../shaders/flow/chainWindows.wgsl";
import { requireArgs, requireWhole } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, stepExample, wholeOutput } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { threads1d } from "../threads.ts";

/** What `chainWindows` takes. */
export interface ChainWindowsArgs {
  label: string;
  /** u32 [chains + 1], chain c owns rows offsets[c] to offsets[c + 1] - 1. */
  offsets: Tensor;
  /** u32 [b], which chains; each has a residue at least. */
  chosen: Tensor;
  /** Written, u32 [b, 2], of each window the row of its first residue, and its residues. */
  windows: Tensor;
  /** Residues of a window at most. */
  places: number;
  /** Separates the uses of one seed. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * A random window of consecutive residues of each chosen chain: the one that `cropWindow` draws by `streamUniform` of
 * seed, stream, step.step and step.sample + n for the n-th.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option" for no places
 */
export function chainWindows(ctx: KernelContext, args: ChainWindowsArgs): void {
  requireArgs("chainWindows", ctx, args, "offsets chosen windows step", "places stream");
  const { label, offsets, chosen, windows, places, stream, step } = args;
  requireWhole(`${label}: places`, places, 1, 2 ** 31);
  const count = elementCount(chosen.shape);
  requireWords(label, "chosen", chosen, count);
  requireWords(label, "offsets", offsets, elementCount(offsets.shape));
  requireWords(label, "windows", windows, 2 * count);
  ctx.dispatch({
    label,
    shader: chainWindowsShader,
    params: { count, places, stream },
    bindings: { step, offsets, chosen, windows },
    workgroups: threads1d(count),
    flops: 2 * count,
    bytes: 12 * count + Math.min(8 * count, byteLength(offsets)),
  });
}

/** What the work of a call depends on. */
export interface ChainWindowsShape extends CallShape {
  /** Windows. */
  readonly count: number;
  /** Residues of a window at most. */
  readonly places: number;
}

/** What there is to know of `chainWindows`. */
export const chainWindowsKernel: Kernel<ChainWindowsShape> = {
  name: "chainWindows",
  shaders: [chainWindowsShader],
  shapes: [
    { count: 70, places: 12 },
    { count: 3, places: 1 },
    { count: 1, places: 40 },
  ],
  example({ count, places }) {
    // Chains of 7 to 42 residues.
    const chains = 6;
    const offsets = Uint32Array.from({ length: chains + 1 }, (_, c) => (7 * c * (c + 1)) / 2);
    const chosen = Uint32Array.from({ length: count }, (_, b) => (5 * b + 2) % chains);
    return example({
      tensors: {
        step: stepExample(),
        offsets: input([chains + 1], offsets),
        chosen: input([count], chosen),
        windows: wholeOutput([count, 2]),
      },
      terms: 0,
      emit: (ctx, tensors) => chainWindows(ctx, { label: "chainWindows", ...tensors, places, stream: 6 }),
    });
  },
};
