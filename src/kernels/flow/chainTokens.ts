import chainTokensShader from "../../../shaders/flow/chainTokens.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import { chainShapes, exampleWindows, type ChainShape } from "./placeChains.ts";

/** What `chainTokens` takes; b windows, S tokens each: registers, then residues, then padding. */
export interface ChainTokensArgs {
  label: string;
  /** u32 [b, 2], as `chainWindows` makes them. */
  windows: Tensor;
  /** f32 [rows], 1 where a chain breaks behind a residue: those of `packChains`. */
  breaks: Tensor;
  /** f32 [places, I], the embedding of each place in a chain. */
  placeTable: Tensor;
  /** Written, f32 [b, S], 1 for registers and residues, else 0; S less the places are registers. */
  tokens: Tensor;
  /** Written, f32 [b, S, I + 1], of residues their place's embedding and their break; 0 for other tokens. */
  placeFeatures: Tensor;
}

/**
 * Masks, places and breaks of windows of chains, as `chainArrays` makes them. Places count from a window's first
 * residue; behind its last one it has no break.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function chainTokens(ctx: KernelContext, args: ChainTokensArgs): void {
  requireArgs("chainTokens", ctx, args, "windows breaks placeTable tokens placeFeatures");
  const { label, windows, breaks, placeTable, tokens, placeFeatures } = args;
  if (placeTable.shape.length !== 2) throw badShape(label, "placeTable must be [places, I]", { placeTable });
  if (tokens.shape.length !== 2) throw badShape(label, "tokens must be [b, S]", { tokens });
  const [places, embedded] = placeTable.shape as [number, number];
  const [chains, side] = tokens.shape as [number, number];
  if (side < places) throw badShape(label, "there are fewer tokens than places", { tokens, placeTable });
  requireShape(label, "placeFeatures", placeFeatures, [chains, side, embedded + 1]);
  requireShape(label, "breaks", breaks, [elementCount(breaks.shape)]);
  requireWords(label, "windows", windows, 2 * chains);
  const count = elementCount(placeFeatures.shape);
  ctx.dispatch({
    label,
    shader: chainTokensShader,
    params: { count, side, registers: side - places, width: embedded + 1 },
    bindings: { windows, breaks, placeTable, tokens, placeFeatures },
    workgroups: threads1d(count),
    flops: 0,
    bytes:
      Math.min(4 * chains * places, byteLength(breaks)) +
      [windows, placeTable, tokens, placeFeatures].reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What the work of a call depends on. */
export interface ChainTokensShape extends ChainShape, CallShape {
  /** Numbers of a place's embedding. */
  readonly embedded: number;
}

/** What there is to know of `chainTokens`. */
export const chainTokensKernel: Kernel<ChainTokensShape> = {
  name: "chainTokens",
  shaders: [chainTokensShader],
  shapes: chainShapes.map((shape) => ({ ...shape, embedded: 2 * shape.chains })),
  example(shape) {
    const { chains, places, registers, embedded } = shape;
    const { rows, windows } = exampleWindows(shape);
    const side = registers + places;
    return example({
      tensors: {
        windows,
        breaks: input([rows]),
        placeTable: input([places, embedded]),
        tokens: output([chains, side]),
        placeFeatures: output([chains, side, embedded + 1]),
      },
      terms: 0,
      emit: (ctx, tensors) => chainTokens(ctx, { label: "chainTokens", ...tensors }),
    });
  },
};
