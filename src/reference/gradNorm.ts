import { stepOf, twin, type Twins } from "./twin.ts";

/** Float64 twin of src/kernels/gradNorm.ts: the norm and the flags after it. `step` counts finished updates. */
export function gradNorm(
  grads: readonly ArrayLike<number>[],
  loss: number,
  flags: readonly number[],
  step: number,
): { norm: number; flags: number[] } {
  let sum = 0;
  for (const grad of grads) {
    for (let i = 0; i < grad.length; i++) {
      const g = grad[i]!;
      sum += g * g;
    }
  }
  const norm = Math.sqrt(sum);
  const badLoss = !Number.isFinite(loss);
  const badNorm = !Number.isFinite(norm);
  if (flags[0] !== 0 || !(badLoss || badNorm)) return { norm, flags: [...flags] };
  return { norm, flags: [step + 1, Number(badLoss), Number(badNorm), flags[3]!] };
}

export const twins: Twins = {
  gradNorm: twin<"step" | "first" | "second" | "loss" | "flags", never>(({ step, first, second, loss, flags }) => {
    const after = gradNorm([first, second], loss[0]!, Array.from(flags), stepOf(step).step);
    return { norm: [after.norm], flags: after.flags };
  }),
};
