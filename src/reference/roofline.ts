import { twin, type Twins } from "./twin.ts";

/** Twins of shaders/rooflineFma.wgsl and rooflineCopy.wgsl. */
export const twins: Twins = {
  // Chain c of thread t begins at t within its workgroup of 64, and c.
  rooflineFma: twin<"factors", "threads" | "rounds">(({ factors }, { threads, rounds }) => {
    const chain = (begin: number) => {
      let value = begin;
      for (let i = 0; i < 16 * rounds; i++) value = value * factors[0]! + factors[1]!;
      return value;
    };
    const thread = (t: number) => Array.from({ length: 8 }, (_, c) => chain((t % 64) + c)).reduce((a, b) => a + b);
    return { sums: Array.from({ length: threads }, (_, t) => thread(t)) };
  }),
  rooflineCopy: twin<"x", never>(({ x }) => ({ y: x })),
};
