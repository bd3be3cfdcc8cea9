import { requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import type { Plan } from "../graph/plan.ts";

/** What is freed where something does not fit: buffers and plans, added as they are made. */
export interface Made {
  readonly owned: BufferView[];
  readonly plans: Plan[];
}

/**
 * Makes something that takes `most` rotations at once, or half as many, and so on, until it fits.
 *
 * @throws VoxtwirlError "bad-option" for `most` that is no count, "too-large" or "out-of-memory" where not even one
 *   fits; nothing stays allocated
 */
export async function asManyAsFit<T>(
  gpu: Gpu,
  most: number,
  make: (chunk: number, made: Made) => Promise<T>,
): Promise<T> {
  requireWhole("chunk", most, 1);
  for (let chunk = most; ; chunk = Math.ceil(chunk / 2)) {
    const made: Made = { owned: [], plans: [] };
    try {
      return await make(chunk, made);
    } catch (error) {
      for (const plan of made.plans) plan.destroy();
      for (const { buffer } of made.owned) gpu.destroyBuffer(buffer);
      const smaller = error instanceof VoxtwirlError && (error.code === "too-large" || error.code === "out-of-memory");
      if (!smaller || chunk === 1) throw error;
    }
  }
}
