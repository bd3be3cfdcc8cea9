import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { planMemory, type Lifetime } from "../../src/graph/planner.ts";
import { Random } from "../../src/random.ts";

const lifetime = (id: number, elements: number, first: number, last: number): Lifetime => ({
  tensor: { id, label: `t${id}`, shape: [elements], dtype: "f32" } satisfies Tensor,
  first,
  last,
});

const overlap = (a: { from: number; to: number }, b: { from: number; to: number }) => a.from < b.to && b.from < a.to;

describe("memory planner", () => {
  it("never lets two living tensors overlap, and comes near the lower bound", () => {
    const random = new Random(3);
    for (let round = 0; round < 50; round++) {
      const tensors = Array.from({ length: 60 }, (_, id) => {
        const first = random.int(100);
        return lifetime(id, 1 + random.int(5000), first, first + random.int(20));
      });
      const limit = round % 2 === 0 ? Infinity : 40_000;
      const plan = planMemory(tensors, limit);
      for (const a of tensors) {
        for (const b of tensors) {
          if (a === b || a.first > b.last || b.first > a.last) continue;
          const [pa, pb] = [plan.placements.get(a.tensor.id)!, plan.placements.get(b.tensor.id)!];
          if (pa.arena !== pb.arena) continue;
          const range = (l: Lifetime, offset: number) => ({ from: offset, to: offset + l.tensor.shape[0]! * 4 });
          expect(overlap(range(a, pa.offset), range(b, pb.offset))).toBe(false);
        }
      }
      for (const { offset } of plan.placements.values()) expect(offset % 256).toBe(0);
      for (const bytes of plan.arenas) expect(bytes).toBeLessThanOrEqual(limit);
      const total = plan.arenas.reduce((sum, bytes) => sum + bytes, 0);
      expect(total).toBeGreaterThanOrEqual(plan.lowerBound);
      if (limit === Infinity) expect(total / plan.lowerBound).toBeLessThan(1.35);
    }
  });

  it("reuses the memory of a chain", () => {
    const chain = Array.from({ length: 10 }, (_, i) => lifetime(i, 1000, i, i + 1));
    const plan = planMemory(chain, Infinity);
    expect(plan.arenas).toEqual([2 * 4096]);
    expect(plan.lowerBound).toBe(2 * 4096);
  });

  it("leaves guards free", () => {
    const plan = planMemory([lifetime(0, 64, 0, 1), lifetime(1, 64, 0, 1)], Infinity, 256);
    const offsets = [...plan.placements.values()].map(({ offset }) => offset).sort((a, b) => a - b);
    expect(offsets).toEqual([0, 512]);
    expect(plan.arenas).toEqual([1024]);
  });
});
