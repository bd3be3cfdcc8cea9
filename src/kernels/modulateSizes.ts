import type { GpuCaps } from "../gpu/caps.ts";
import { elementCount, type Tensor } from "../gpu/tensor.ts";
import { activationConstant } from "./activationKinds.ts";
import { badShape, copiesOf, requireShape, sameShape } from "./shapes.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

/**
 * Which vectors are for which tokens, and which tokens count. Forward all may be of b chains with N / b copies each,
 * one after the other, which share them: b then stands for N.
 */
export interface Modulation {
  /** [N + 1, C], of which x is multiplied with the sigmoid: a row a sample, and the last for registers. */
  scale?: Tensor | undefined;
  /** The first tokens of each sample, which all share one row of the vectors; 0 when left out. */
  registers?: number | undefined;
  /**
   * f32 [N, T], a factor of each token; or [N, S] where T is S^2 and tokens are pairs: the product of their two
   * factors. Where both fit, as for T = 1, they are the same.
   */
  mask?: Tensor | undefined;
}

/** Tokens of an invocation on a processor, where finding one's place costs more than its work. */
const TOKENS_EACH = 8;
/** Invocations that share a column of the vectors' gradients. */
export const LANES = 16;

/**
 * Samples that share what is of their chain.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function modulateCopies(
  label: string,
  x: Tensor,
  vectors: Readonly<Record<string, Tensor | undefined>>,
  mask: Tensor | undefined,
): number {
  const hasVectors = Object.values(vectors).some((vector) => vector !== undefined);
  return hasVectors ? copiesOf(label, x, vectors, 1) : copiesOf(label, x, { mask });
}

/**
 * Sizes of a call, forward and backward.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function modulateSizes(
  caps: GpuCaps,
  label: string,
  { x, scale, registers = 0, mask }: Modulation & { x: Tensor },
  others: Readonly<Record<string, Tensor | undefined>>,
) {
  if (x.shape.length !== 3 || elementCount(x.shape) === 0) throw badShape(label, "x must be [N, T, C]", { x });
  const [samples, tokens, width] = x.shape as [number, number, number];
  const vectors = { scale, ...others };
  const copies = modulateCopies(label, x, vectors, mask);
  const chains = samples / copies;
  for (const [name, vector] of Object.entries(vectors)) {
    if (vector) requireShape(label, name, vector, [chains + 1, width]);
  }
  if (!Number.isInteger(registers) || registers < 0 || registers > tokens) {
    throw badShape(label, `'registers' is ${registers}, of so many tokens`, { x });
  }
  const side = Math.round(Math.sqrt(tokens));
  const pairs = mask !== undefined && !sameShape(mask.shape, [chains, tokens]);
  if (pairs && (side * side !== tokens || !sameShape(mask.shape, [chains, side]))) {
    throw badShape(label, "'mask' must be [N, T], or [N, S] where T is S^2", { x, mask });
  }
  const vec4 = width % 4 === 0;
  const columns = vec4 ? width / 4 : width;
  const chunks = Math.ceil(columns / (WORKGROUP / LANES));
  const each = caps.adapterClass === "software" ? TOKENS_EACH : 1;
  const blocks = Math.ceil(tokens / each);
  const [groupsX, groupsY] = threads1d(chains * blocks * columns);
  return {
    constants: {
      ...activationConstant("sigmoid"),
      SCALED: scale !== undefined,
      MASKED: mask !== undefined,
      PAIRS: pairs,
      VEC4: vec4,
    },
    params: { chains, copies, tokens, columns, registers, side, chunks, blocks },
    each,
    workgroups: [groupsX, groupsY, copies] as const,
    elements: elementCount(x.shape),
  };
}
