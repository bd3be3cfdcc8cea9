import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { bondOrder } from "../../src/kernels/neighbours/bondOrder.ts";
import { edgeGeometry } from "../../src/kernels/neighbours/edgeGeometry.ts";
import { neighbourList } from "../../src/kernels/neighbours/neighbourList.ts";
import { neighbourListVariants } from "../../src/kernels/neighbours/neighbourListVariants.ts";
import { choose } from "../../src/kernels/kernel.ts";
import { reverseNeighbours } from "../../src/kernels/neighbours/reverseNeighbours.ts";
import { requireMinimumImage } from "../../src/kernels/neighbours/minimumImage.ts";
import type { VoxtwirlError } from "../../src/errors.ts";
import { Random } from "../../src/random.ts";
import * as twin from "../../src/reference/neighbours.ts";
import { withCaps } from "./capsOf.ts";
import { expectClose, runKernels, testGpu } from "../harness.ts";

const FREE_SLOT = 0xffffffff;
type Types = Record<string, "f32" | "f16">;
type Point = readonly [number, number, number];

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** A batch of structures of so many atoms' room. */
function batch(structures: readonly (readonly Point[])[], atoms: number) {
  const positions = new Float32Array(4 * structures.length * atoms);
  structures.forEach((points, b) => points.forEach((point, i) => positions.set(point, 4 * (b * atoms + i))));
  return { positions, counts: Uint32Array.from(structures, (points) => points.length) };
}

async function lists(
  structures: readonly (readonly Point[])[],
  atoms: number,
  slots: number,
  cutoff: number,
  cell?: Float32Array,
) {
  const { positions, counts } = batch(structures, atoms);
  const [rows, size] = [[structures.length, atoms], structures.length];
  const whole = (shape: readonly number[]) => ({ shape, dtype: "u32" as const });
  const expected = twin.neighbourList({ structures: size, atoms, slots }, cutoff, positions, counts, cell);
  const inputs = {
    positions: { shape: [...rows, 4], data: positions },
    counts: { shape: [size], data: counts },
    ...(cell && { cell: { shape: [size, 9], data: cell } }),
  };
  const shape = { structures: size, atoms, slots, counted: 1, periodic: cell ? 1 : 0 };
  const run = (variant: string) =>
    runKernels(
      gpu,
      inputs,
      { neighbours: whole([...rows, slots]), neighbourCounts: whole(rows), dropped: whole(rows) },
      (graph, t) => {
        const { call } = choose(graph.caps, neighbourListVariants, shape, "f32");
        const ctx = withCaps(graph, { choices: { [call.key]: variant } });
        neighbourList(ctx, { label: "list", ...t, cutoff });
      },
    );
  const found = await run("all pairs");
  const others = await Promise.all([...(atoms <= 512 ? ["kept pairs"] : []), "cells"].map(run));
  for (const name of ["neighbours", "neighbourCounts", "dropped"] as const) {
    expect(Array.from(found[name]), name).toEqual(Array.from(expected[name]));
    others.forEach((other) => expect(other[name]).toEqual(found[name]));
  }
  const rowsOf = Array.from({ length: size * atoms }, (_, i) =>
    Array.from(found.neighbours).slice(i * slots, (i + 1) * slots),
  );
  return { neighbours: rowsOf, counts: Array.from(found.neighbourCounts), dropped: Array.from(found.dropped) };
}

const line = (...xs: readonly number[]) => xs.map((x): Point => [x, 0, 0]);

describe("neighbourList", () => {
  it("takes those at the cutoff and none beyond it", async () => {
    // The next number above 1.5 in f32 is beyond; squares of 1.5 and of halves are exact.
    const { neighbours } = await lists([line(0, 1.5, -1.5 - 2 ** -22)], 3, 4, 1.5);
    expect(neighbours[0]).toEqual([1, FREE_SLOT, FREE_SLOT, FREE_SLOT]);
    // Not exact: 0.1 in f32, as the cutoff.
    expect((await lists([line(0, Math.fround(0.1))], 2, 1, 0.1)).neighbours).toEqual([[1], [0]]);
  });

  it("takes nobody nearer than a hundredth of an Angstrom", async () => {
    const { counts } = await lists([line(0, 0, 2 ** -7, 2 ** -6)], 4, 4, 2);
    expect(counts).toEqual([1, 1, 0, 2]);
  });

  it("takes the nearest where there are more, of ties the first, and gives them in order", async () => {
    // The corners of a square around the origin, all equally far, and farther ones among them.
    const around: Point[] = [
      [0, 0, 0],
      [2, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 2, 0],
      [-1, 0, 0],
      [0, -1, 0],
    ];
    const { neighbours, counts, dropped } = await lists([around], 8, 3, 2);
    expect(neighbours[0]).toEqual([2, 3, 5]);
    expect([counts[0], dropped[0]]).toEqual([3, 3]);
    expect((await lists([around], 8, 5, 2)).neighbours[0]).toEqual([1, 2, 3, 5, 6]);
    expect((await lists([around], 8, 6, 2)).dropped[0]).toBe(0);
  });

  it("finds ties among the many distances of a lattice", async () => {
    const side = [0, 1, 2, 3, 4];
    const lattice = side.flatMap((x) => side.flatMap((y) => side.map((z): Point => [x, y, z])));
    for (const slots of [1, 6, 7, 20, 64]) await lists([lattice], 125, slots, 3);
  });

  it("finds more ties than its list holds", async () => {
    const signs = [1, -1];
    const orders = [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ] as const;
    const shell = orders.flatMap(([a, b, c]) =>
      signs.flatMap((x) => signs.flatMap((y) => signs.map((z): Point => [x * a, y * b, z * c]))),
    );
    const { neighbours } = await lists([[[0.5, 0, 0], ...shell, [0, 0, 0]]], 50, 2, 4);
    expect(neighbours[49]).toEqual([0, 1]);
  });

  it("is its twin where some atoms are close together, and others far apart, in a plane or in a line", async () => {
    const random = new Random(5);
    const cluster = Array.from({ length: 500 }, () => randomPoint(random, 3));
    const apart = Array.from({ length: 300 }, () => randomPoint(random, 300));
    await lists([random.shuffle([...cluster, ...apart])], 800, 9, 30);
    const plane = Array.from({ length: 400 }, () => [...randomPoint(random, 50).slice(1), 7] as unknown as Point);
    const alongX = Array.from({ length: 400 }, (): Point => [1000 * random.next(), -3, 2]);
    await lists([plane, alongX], 400, 20, 12);
  });

  it("leaves padding and single atoms alone", async () => {
    const { neighbours, counts, dropped } = await lists([line(0), line(0, 1, 2), []], 4, 1, 9);
    expect(neighbours.flat()).toEqual([
      ...[FREE_SLOT, FREE_SLOT, FREE_SLOT, FREE_SLOT],
      ...[5, 4, 5, FREE_SLOT],
      ...[FREE_SLOT, FREE_SLOT, FREE_SLOT, FREE_SLOT],
    ]);
    expect(counts).toEqual([0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
    expect(dropped).toEqual([0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  it.each([
    ["as many slots as others", 64, 63],
    ["one fewer", 65, 63],
    ["many atoms", 300, 20],
  ])("is its twin with %s", async (_, atoms, slots) => {
    const random = new Random(atoms);
    const cloud = (count: number) => Array.from({ length: count }, () => randomPoint(random, 12));
    await lists([cloud(atoms), cloud(atoms - 1), cloud(2)], atoms, slots, 8);
    await lists([cloud(atoms)], atoms, slots, 1e9);
  });

  it.each<[string, Types, Record<string, number[]>, RegExp]>([
    ["half precision", { positions: "f16" }, {}, /'positions' must be f32/],
    ["lists of f32", { neighbours: "f32" }, {}, /'neighbours' must be u32/],
    ["too many slots", {}, { neighbours: [2, 4, 65] }, /'neighbours' must have 1 to 64 slots/],
    ["other counts", {}, { counts: [4] }, /'counts' must have shape \[2\]/],
  ])("refuses %s", async (_, types, shapes, message) => {
    await expect(refused(types, shapes, 5)).rejects.toMatchObject({
      code: "bad-shape",
      message: expect.stringMatching(message),
    });
  });

  it("finds neighbours across the faces of a cell, each atom once", async () => {
    const { positions, counts } = batch([line(0.5, 9.5, 3, 5.5)], 4);
    const whole = (shape: readonly number[]) => ({ shape, dtype: "u32" as const });
    const { neighbours, edges } = await runKernels(
      gpu,
      {
        positions: { shape: [1, 4, 4], data: positions },
        counts: { shape: [1], data: counts },
        cell: { shape: [1, 9], data: Float32Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10) },
      },
      { neighbours: whole([1, 4, 2]), neighbourCounts: whole([1, 4]), edges: { shape: [1, 4, 2, 4] } },
      (ctx, t) => {
        neighbourList(ctx, { label: "list", ...t, cutoff: 4.8 });
        edgeGeometry(ctx, { label: "edges", ...t });
      },
    );
    // 1 and 2.5 from the first; 1, 3.5 and 4 from the second.
    expect(Array.from(neighbours)).toEqual([1, 2, 0, 2, 0, 3, 1, 2]);
    expect(Array.from(edges.subarray(0, 4))).toEqual([1, 0, 0, 1]);
  });

  it.each([
    ["many cells", 520, 40, 9, 12],
    ["few cells", 60, 10, 20, 4],
    ["fewer atoms than slots", 12, 10, 20, 4],
  ])(
    "is its twin in periodic structures of %s, atoms outside of their cell too",
    async (_, atoms, edge, slots, cutoff) => {
      const random = new Random(atoms);
      const cloud = (count: number, width: number) => Array.from({ length: count }, () => randomPoint(random, width));
      const cells = [edge, 0, 0, 0.3 * edge, edge, 0, -0.2 * edge, 0.1 * edge, 1.3 * edge, ...Array<number>(9).fill(0)];
      requireMinimumImage(cells, cutoff);
      await lists([cloud(atoms, 3 * edge), cloud(atoms - 3, edge)], atoms, slots, cutoff, Float32Array.from(cells));
    },
  );

  it("refuses a cutoff that excludes all", async () => {
    await expect(refused({}, {}, 0.01)).rejects.toMatchObject({ code: "bad-option" });
  });
});

function refused(types: Types, shapes: Record<string, number[]>, cutoff: number) {
  return runKernels(gpu, {}, { neighbours: { shape: [2, 4, 3], dtype: "u32" } }, (ctx) => {
    const tensor = (name: string, shape: number[], dtype: "f32" | "u32") =>
      ctx.scratch(name, shapes[name] ?? shape, types[name] ?? dtype);
    neighbourList(ctx, {
      label: "list",
      positions: tensor("positions", [2, 4, 4], "f32"),
      counts: tensor("counts", [2], "u32"),
      cutoff,
      neighbours: tensor("neighbours", [2, 4, 3], "u32"),
      neighbourCounts: tensor("neighbourCounts", [2, 4], "u32"),
      dropped: tensor("dropped", [2, 4], "u32"),
    });
  });
}

describe("requireMinimumImage", () => {
  it("takes cells that are twice as wide as the cutoff, and none", () => {
    requireMinimumImage([24, 0, 0, 0, 24, 0, 0, 0, 30], 12);
    requireMinimumImage(Array(18).fill(0), 12);
  });

  it("refuses narrow, skewed and flat ones, and says how wide they are", () => {
    const refusal = (cell: readonly number[]) => {
      try {
        requireMinimumImage(cell, 5);
      } catch (error) {
        return error as VoxtwirlError;
      }
      throw new Error("taken");
    };
    const narrow = refusal([...Array<number>(9).fill(0), 9.5, 0, 0, 0, 20, 0, 0, 0, 20]);
    expect(narrow).toMatchObject({ code: "bad-option", fix: expect.stringContaining("at most 4.75") });
    expect(narrow.message).toBe("cell 1 is 9.5, 20, 20 Angstrom wide across its faces: less than twice the cutoff, 10");
    // Edges of 14 Angstrom, 9.9 across.
    expect(refusal([14, 0, 0, 9.9, 9.9, 0, 0, 0, 14]).message).toContain("9.89949, 9.9, 14 Angstrom");
    expect(refusal([10, 0, 0, 20, 0, 0, 0, 0, 10]).message).toContain("0, 0, 0 Angstrom");
    expect(refusal([10, 10, 10]).message).toBe("a cell has 3 numbers");
  });
});

describe("edgeGeometry", () => {
  it("points from the neighbour to the atom, and has no direction where both are in one place", async () => {
    const { edges } = await runKernels(
      gpu,
      {
        positions: { shape: [1, 3, 4], data: Float32Array.of(1, 2, 3, 0, 1, 2, 5, 0, 1, 2, 3, 0) },
        neighbours: { shape: [1, 3, 2], data: Uint32Array.of(1, 2, 0, FREE_SLOT, FREE_SLOT, FREE_SLOT) },
        neighbourCounts: { shape: [1, 3], data: Uint32Array.of(2, 1, 0) },
      },
      { edges: { shape: [1, 3, 2, 4] } },
      (ctx, t) => edgeGeometry(ctx, { label: "edges", ...t }),
    );
    const none = [0, 0, 0, 0];
    expect(Array.from(edges, (x) => x + 0)).toEqual([[0, 0, -1, 2], none, [0, 0, 1, 2], none, none, none].flat());
  });
});

describe("reverseNeighbours", () => {
  it("gives each edge once, at the atom where it ends, in order, of structures of different sizes", async () => {
    const [structures, atoms, slots] = [3, 40, 6];
    const random = new Random(8);
    const counts = [40, 0, 23];
    const neighbours = Uint32Array.from({ length: structures * atoms * slots }, (_, e) => {
      const b = Math.floor(e / (atoms * slots));
      const isAtom = Math.floor(e / slots) % atoms < counts[b]!;
      // All slots are free from a random one on.
      return isAtom && e % slots < (7 * Math.floor(e / slots)) % (slots + 1)
        ? b * atoms + random.int(counts[b]!)
        : FREE_SLOT;
    });
    const shape = [structures, atoms];
    const { starts, inDegrees, edges } = await runKernels(
      gpu,
      { neighbours: { shape: [...shape, slots], data: neighbours } },
      {
        starts: { shape, dtype: "u32" },
        inDegrees: { shape, dtype: "u32" },
        edges: { shape: [neighbours.length], dtype: "u32" },
      },
      (ctx, t) => reverseNeighbours(ctx, { label: "reverse", ...t }),
    );
    const seen: number[] = [];
    for (let j = 0; j < structures * atoms; j++) {
      const own = Array.from(edges.subarray(starts[j], starts[j]! + inDegrees[j]!));
      expect(own).toEqual([...own].sort((a, b) => a - b));
      expect(own.every((e) => neighbours[e] === j)).toBe(true);
      seen.push(...own);
    }
    const used = Array.from(neighbours.keys()).filter((e) => neighbours[e] !== FREE_SLOT);
    expect(seen.sort((a, b) => a - b)).toEqual(used);
    expect(edges.filter((e) => e !== FREE_SLOT)).toHaveLength(used.length);
    expect([0, 1, 2].map((b) => starts[b * atoms])).toEqual([0, atoms * slots, 2 * atoms * slots]);
  });
});

describe("bondOrder", () => {
  const random = new Random(3);
  const directions = (count: number) => Array.from({ length: count }, () => direction(random));

  it("is in its twin the root of the mean of Legendre polynomials between all edges", () => {
    for (const count of [1, 2, 12, 20]) {
      const edges = directions(count);
      const dots = edges.flatMap((a) => edges.map((b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]));
      twin.bondOrder(9, edges).forEach((order, l) => {
        const mean = dots.reduce((sum, dot) => sum + legendre(l, dot), 0) / count ** 2;
        expect(Math.abs(order - Math.sqrt((2 * l + 1) * mean)), `${count} edges, degree ${l}`).toBeLessThan(1e-13);
      });
    }
  });

  it("has in its twin the published values of a cube's faces and of a face-centred cubic lattice", () => {
    const faces: Point[] = [
      [1, 0, 0],
      [-1, 0, 0],
      [0, 1, 0],
      [0, -1, 0],
      [0, 0, 1],
      [0, 0, -1],
    ];
    const root = Math.SQRT1_2;
    const signs = [root, -root];
    const fcc = signs.flatMap((a) =>
      signs.flatMap((b): Point[] => [
        [a, b, 0],
        [a, 0, b],
        [0, a, b],
      ]),
    );
    // Q_l of Steinhardt, Nelson and Ronchetti is q_l / sqrt(2l + 1).
    const published = (edges: readonly Point[]) =>
      [4, 6].map((l) => twin.bondOrder(9, edges)[l]! / Math.sqrt(2 * l + 1));
    expectClose(published(faces), [0.764, 0.354], 5e-4);
    expectClose(published(fcc), [0.191, 0.575], 5e-4);
  });

  it("does not change when the edges are turned", async () => {
    const slots = 20;
    const edges = directions(slots);
    const turns = Array.from({ length: 40 }, () => haarRotation(random));
    const rows = [edges, ...turns.map((turn) => edges.map((edge) => turned(turn, edge)))];
    const y = await orders(rows, slots);
    const first = y.slice(0, 10);
    expectClose(first, twin.bondOrder(9, edges), 5e-7);
    rows.forEach((_, i) => expectClose(y.slice(10 * i, 10 * i + 10), first, 1e-6, `turn ${i}`));
  });

  it("is exact along the axes, zero where nothing is and no NaN where harmonics cancel", async () => {
    const faces: Point[] = [
      [0, 0, 1],
      [0, 0, -1],
      [1, 0, 0],
      [-1, 0, 0],
      [0, 1, 0],
      [0, -1, 0],
    ];
    const y = await orders([faces, faces.slice(0, 1), []], 6);
    expectClose(y.slice(0, 10), twin.bondOrder(9, faces), 1e-6);
    expectClose(
      y.slice(10, 20),
      Array.from({ length: 10 }, (_, l) => Math.sqrt(2 * l + 1)),
      4e-6,
    );
    expect(y.slice(20)).toEqual(Array(10).fill(0));
    expect([y[0], y[10]]).toEqual([1, 1]);
  });
});

async function orders(rows: readonly (readonly Point[])[], slots: number): Promise<number[]> {
  const { positions: data, counts } = batch(rows, slots);
  const { y } = await runKernels(
    gpu,
    {
      edges: { shape: [1, rows.length, slots, 4], data },
      neighbourCounts: { shape: [1, rows.length], data: counts },
    },
    { y: { shape: [1, rows.length, 10] } },
    (ctx, t) => bondOrder(ctx, { label: "order", ...t }),
  );
  return Array.from(y);
}

function randomPoint(random: Random, edge: number): Point {
  return [0, 1, 2].map(() => edge * random.next()) as unknown as Point;
}

function direction(random: Random): Point {
  const v = [random.normal(), random.normal(), random.normal()];
  return v.map((x) => x / Math.hypot(...v)) as unknown as Point;
}

function turned(turn: ArrayLike<number>, [x, y, z]: Point): Point {
  return [0, 3, 6].map((row) => turn[row]! * x + turn[row + 1]! * y + turn[row + 2]! * z) as unknown as Point;
}

function legendre(degree: number, x: number): number {
  let [before, value] = [0, 1];
  for (let l = 1; l <= degree; l++) [before, value] = [value, ((2 * l - 1) * x * value - (l - 1) * before) / l];
  return value;
}
