import { describe, expect, it } from "vitest";
import { channelPermutations } from "../../src/equivariance/channelPermutations.ts";
import { cyclic2, cyclic4, fullOctahedral, mirrors } from "../../src/equivariance/cubeGroups.ts";
import { o3, octahedral, rotationGroup, so3 } from "../../src/equivariance/groups.ts";
import { determinant } from "../../src/equivariance/matrices.ts";
import { octahedralElement } from "../../src/equivariance/octahedral.ts";
import type { Representation } from "../../src/equivariance/representations.ts";
import { finiteGroup, type SymmetryGroup } from "../../src/equivariance/symmetryGroup.ts";
import { translations } from "../../src/equivariance/translations.ts";
import { Random } from "../../src/random.ts";
import { expectClose, randomArray } from "../harness.ts";

const SIZE = 3;
const CHANNELS = 4;
const how = { kind: "grid", size: SIZE, channels: CHANNELS } as const;
const vectors = { kind: "vectors" } as const;
const grid = randomArray(SIZE ** 3 * CHANNELS, 3);
const bad = (code: string): unknown => expect.objectContaining({ code });

const groups: [string, SymmetryGroup, number][] = [
  ["octahedral", octahedral(), 24],
  ["cyclic4-x", cyclic4("x"), 4],
  ["cyclic4-y", cyclic4("y"), 4],
  ["cyclic4-z", cyclic4("z"), 4],
  ["cyclic2-x", cyclic2("x"), 2],
  ["cyclic2-y", cyclic2("y"), 2],
  ["cyclic2-z", cyclic2("z"), 2],
  ["mirrors", mirrors(), 8],
  ["full-octahedral", fullOctahedral(), 48],
  ["translations", translations({ size: SIZE }), 27],
  ["channel-permutations", channelPermutations(CHANNELS), 24],
];

describe.each(groups)("the group %s", (name, group, order) => {
  const elements = group.enumerate!();
  const images = elements.map((element) => group.act(element, grid, how).join());

  it("has elements that all do something else to a grid, one of them nothing", () => {
    expect(group).toMatchObject({ name, order });
    expect(new Set(images).size).toBe(order);
    expect(images).toContain(grid.join());
  });

  it("is closed, and goes back by the inverse, bitwise", () => {
    const known = new Set(images);
    const some = group.sample(new Random(1), Math.min(4, order));
    for (const a of elements) {
      const moved = group.act(a, grid, how);
      expect(moved).toBeInstanceOf(Float32Array);
      expect(group.act(group.inverse(a), moved, how)).toEqual(grid);
      for (const b of some) expect(known).toContain(group.act(b, moved, how).join());
    }
  });

  it("draws different elements, each equally likely", () => {
    const random = new Random(2);
    const counts = new Map<string, number>();
    const draws = 400;
    const count = Math.floor(order / 2);
    for (let i = 0; i < draws; i++) {
      const drawn = group.sample(random, count).map((element) => group.act(element, grid, how).join());
      expect(new Set(drawn).size).toBe(count);
      for (const image of drawn) counts.set(image, (counts.get(image) ?? 0) + 1);
    }
    const p = count / order;
    const limit = 5 * Math.sqrt(draws * p * (1 - p));
    for (const image of images) expect(Math.abs((counts.get(image) ?? 0) - draws * p)).toBeLessThan(limit);
    for (const none of [0, order + 1, 1.5]) expect(() => group.sample(random, none)).toThrow(bad("bad-option"));
  });
});

describe("groups of the cube", () => {
  /** A grid of 5 with one voxel set, at a place from the centre, x y z. */
  const spot = (place: ArrayLike<number>) => {
    const values = new Float32Array(125);
    values[((place[2]! + 2) * 5 + place[1]! + 2) * 5 + place[0]! + 2] = 1;
    return values;
  };

  it("move content on grids as they move vectors, reflections too", () => {
    const place = Float32Array.of(2, 1, -1);
    for (const group of [fullOctahedral(), cyclic4("y"), cyclic2("x"), mirrors()]) {
      for (const element of group.enumerate!()) {
        const moved = group.act(element, place, vectors);
        expect(group.act(element, spot(place), { kind: "grid", size: 5, channels: 1 })).toEqual(spot(moved));
      }
    }
  });

  it("turn about their axis alone", () => {
    for (const [i, axis] of (["x", "y", "z"] as const).entries()) {
      const along = Float32Array.from([0, 1, 2], (j) => Number(i === j));
      for (const matrix of [...cyclic4(axis).enumerate!(), ...cyclic2(axis).enumerate!()]) {
        expect(octahedralElement(matrix)).toBeDefined();
        expect([...cyclic4(axis).act(matrix, along, vectors)].map((value) => value + 0)).toEqual([...along]);
      }
    }
    expect(() => cyclic4("w" as never)).toThrow(bad("bad-option"));
  });

  it("have as many reflections as rotations in O_h", () => {
    const inside = fullOctahedral().enumerate!().filter((matrix) => octahedralElement(matrix) !== undefined);
    expect(inside).toHaveLength(24);
  });

  it("turn pseudovectors as the cross products of vectors", () => {
    const [a, b] = [randomArray(3, 1), randomArray(3, 2)];
    const cross = (u: ArrayLike<number>, v: ArrayLike<number>) =>
      [0, 1, 2].map((i) => u[(i + 1) % 3]! * v[(i + 2) % 3]! - u[(i + 2) % 3]! * v[(i + 1) % 3]!);
    const pseudovectors = { kind: "pseudovectors" } as const;
    for (const group of [fullOctahedral(), mirrors(), o3()]) {
      for (const matrix of group.enumerate?.() ?? group.sample(new Random(4), 12)) {
        const turned = group.act(matrix, Float64Array.from(cross(a, b)), pseudovectors);
        expectClose(turned, cross(group.act(matrix, a, vectors), group.act(matrix, b, vectors)), 1e-6);
      }
    }
  });

  it("refuse what is no element and no grid", () => {
    const tilted = so3().sample(new Random(1), 1)[0]!;
    expect(() => fullOctahedral().act(tilted, grid, how)).toThrow(bad("bad-option"));
    expect(() => fullOctahedral().act(octahedral().enumerate!()[1]!, grid.subarray(1), how)).toThrow(bad("bad-shape"));
  });
});

describe("o3", () => {
  const draws = o3().sample(new Random(6), 2000);
  const determinants = draws.map(determinant);

  it("draws orthogonal matrices, half of them improper", () => {
    for (const [i, matrix] of draws.entries()) {
      const rows = o3().actOnPoints(matrix, Float64Array.from(matrix));
      if (i < 8) expectClose(rows, [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-12);
      expect(Math.abs(determinants[i]!)).toBeCloseTo(1, 12);
    }
    const improper = determinants.filter((value) => value < 0).length;
    expect(Math.abs(improper - 1000)).toBeLessThan(5 * Math.sqrt(500));
  });

  it("mirrors content on grids as it mirrors vectors, and has no list of its elements", () => {
    const inversion = [-1, 0, 0, 0, -1, 0, 0, 0, -1];
    const turned = o3().act(inversion, grid, how);
    expectClose(turned, fullOctahedral().act(inversion, grid, how), 1e-6);
    expect(o3()).toMatchObject({ name: "o3", order: Infinity, interpolation: "catmullRom" });
    expect(o3()).not.toHaveProperty("enumerate");
    expect(o3().compared!(5)).toHaveLength(33);
  });
});

describe("translations", () => {
  it("move the content, x first, and bring in on the other side what leaves", () => {
    const values = Float32Array.from({ length: 27 }, (_, i) => i);
    const one = { kind: "grid", size: 3, channels: 1 } as const;
    const group = translations({ size: 3 });
    expect([...group.act([1, 0, 0], values, one).subarray(0, 6)]).toEqual([2, 0, 1, 5, 3, 4]);
    expect(group.act([0, 0, 2], values, one)[0]).toBe(9);
    expect(group.act([0, -1, 0], values, one)[0]).toBe(3);
  });

  it("are those by a few voxels with a bound, of which the inner voxels are compared", () => {
    const group = translations({ size: 6, most: 2 });
    expect(group.order).toBe(125);
    const all = group.enumerate!();
    expect(new Set(all.map((shift) => shift.join())).size).toBe(125);
    expect(all.flat().every((value) => Math.abs(value) <= 2)).toBe(true);
    expect([...group.compared!(6)]).toEqual([86, 87, 92, 93, 122, 123, 128, 129]);
    expect(translations({ size: 6 })).not.toHaveProperty("compared");
  });

  it("leave vectors as they are, and refuse grids of another size and bounds that leave nothing", () => {
    const values = Float32Array.of(1, 2, 3);
    expect(translations({ size: 4 }).act([1, 2, 3], values, vectors)).toBe(values);
    expect(() => translations({ size: 4 }).act([1, 2, 3], grid, how)).toThrow(bad("bad-shape"));
    for (const options of [{ size: 1 }, { size: 6, most: 3 }, { size: 6, most: 0 }, { size: 5, most: 2.5 }]) {
      expect(() => translations(options)).toThrow(bad("bad-option"));
    }
    expect(translations({ size: 5, most: 2 }).compared!(5)).toHaveLength(1);
  });
});

describe("permutations of channels", () => {
  it("give each channel the values of another", () => {
    const two = { kind: "grid", size: 1, channels: 3 } as const;
    const values = Float32Array.of(1, 2, 3);
    expect([...channelPermutations(3).act([2, 0, 1], values, two)]).toEqual([3, 1, 2]);
    expect(channelPermutations(3).enumerate!()).toEqual([
      ...[
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
      ],
    ]);
  });

  it("are drawn where there are too many to list", () => {
    const group = channelPermutations(12);
    expect(group.order).toBe(479_001_600);
    for (const permutation of group.sample(new Random(3), 8)) {
      expect([...permutation].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, c) => c));
    }
    expect(() => channelPermutations(1)).toThrow(bad("bad-option"));
    expect(() => channelPermutations(3).act([0, 1, 2], grid, how)).toThrow(bad("bad-shape"));
  });
});

describe("a group of one's own", () => {
  it("of rotations gets its action on whatever there is, and its inverse", () => {
    const { order, interpolation, ...others } = octahedral();
    const own = rotationGroup({ ...others, name: "own", order, interpolation });
    const element = own.enumerate!()[9]!;
    const kinds: [Representation, number][] = [
      [how, grid.length],
      [vectors, 6],
      [{ kind: "tensors" }, 9],
    ];
    for (const [kind, length] of kinds) {
      const values = randomArray(length, 5);
      expect(own.act(element, values, kind)).toEqual(octahedral().act(element, values, kind));
      expect(own.act(own.inverse(element), own.act(element, values, kind), kind)).toEqual(values);
    }
    expect(own).not.toHaveProperty("compared");
    expect(so3().compared!(5)).toHaveLength(33);
  });

  it("of a few elements is made of these and two functions", () => {
    const sign = { name: "sign", elements: [1, -1], inverse: (s: number) => s };
    const act = (s: number, values: Float32Array | Float64Array) => values.map((value) => s * value);
    const group = finiteGroup({ ...sign, act });
    expect(group).toMatchObject({ name: "sign", order: 2 });
    expect(group.enumerate!()).toEqual([1, -1]);
    expect(group.sample(new Random(1), 2).sort()).toEqual([-1, 1]);
    for (const wrong of [undefined, { ...sign, act, elements: [] }, { ...sign, act, elements: 2 }, sign]) {
      expect(() => finiteGroup(wrong as never)).toThrow(bad("bad-option"));
    }
  });
});
