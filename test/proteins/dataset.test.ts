import { describe, expect, it } from "vitest";
import type { Chain } from "../../src/proteins/chain.ts";
import { makeChain } from "../../src/proteins/chain.ts";
import { builtinBackbones } from "../../src/proteins/builtinBackbones.ts";
import { prepareChains, type ChainDatasetOptions } from "../../src/proteins/dataset.ts";
import { sequenceFamilies } from "../../src/proteins/families.ts";
import { thrown } from "../formats/support.ts";
import { chainOf, randomSequence } from "./helpers.ts";

describe("sequenceFamilies", () => {
  const of = (sequences: string[], similarity?: number) => [...sequenceFamilies(sequences, similarity).family];

  it("measures the share of the 3-mers of the one that has fewer", () => {
    // ABC, BCD, CDE, DEF of the shorter; the longer has two of them.
    const pair = ["ACDEFG", "CDEFWWWWWWWWAYYYYYYY"];
    expect(of(pair, 0.49)).toEqual([0, 0]);
    expect(of(pair, 0.5)).toEqual([0, 1]);
    expect(of([...pair].reverse(), 0.49)).toEqual([0, 0]);
    // Each once, however often it is there.
    expect(of(["AAAAAAAAAA", "AAACDEFGHIK"], 0.99)).toEqual([0, 0]);
  });

  it("goes on along pairs, numbers families as they come, and does not depend on the order", () => {
    const [a, b, c] = [randomSequence(60, 1), randomSequence(60, 2), randomSequence(60, 3)];
    const bridge = a.slice(20) + b.slice(0, 40);
    expect(of([c, a, b])).toEqual([0, 1, 2]);
    expect(of([c, a, b, bridge])).toEqual([0, 1, 1, 1]);
    expect(of([bridge, b, a, c])).toEqual([0, 0, 0, 1]);
  });

  it("knows equal sequences whatever they are, and counts nothing with an X", () => {
    expect(of(["XXXXX", "AC", "XXXXX", "AC", "AXXXXXCD", "CDXXXA", ""])).toEqual([0, 1, 0, 1, 2, 3, 4]);
  });

  it("tells mutants from strangers", () => {
    const parent = randomSequence(120, 5);
    const mutant = Array.from(parent, (letter, i) => (i % 7 === 3 ? "W" : letter)).join("");
    const strangers = Array.from({ length: 30 }, (_, i) => randomSequence(120, 10 + i));
    expect(sequenceFamilies([parent, mutant, ...strangers])).toMatchObject({ families: 31 });
  });
});

const options: ChainDatasetOptions = { seed: 1, heldout: 3 };
const ids = (chains: readonly Chain[]) => chains.map(({ sequence, positions }) => sequence + positions.join());

describe("prepareChains", () => {
  it("holds out whole families and one chain of each, so that nothing alike is on both sides", () => {
    const chains = builtinBackbones();
    const { train, heldout, families, skipped } = prepareChains(chains, options);
    expect([families, heldout.chains.length, train.chains.length]).toEqual([32, 3, 87]);
    expect(skipped).toEqual([{ reason: "of the family of a held-out chain", count: 6 }]);
    const familyOf = (index: number) => Math.floor(index / 3);
    const held = new Set(Array.from(heldout.sourceIndex, familyOf));
    expect(held.size).toBe(3);
    expect(train.sourceIndex.some((index) => held.has(familyOf(index)))).toBe(false);
    for (const { chains: part, sourceIndex } of [train, heldout]) {
      expect(part).toEqual(Array.from(sourceIndex, (index) => chains[index]));
    }
  });

  it("is a function of the seed and the chains, not of their order", () => {
    const chains = builtinBackbones();
    const first = prepareChains(chains, options);
    const turned = prepareChains([...chains].reverse(), options);
    for (const part of ["train", "heldout"] as const) expect(ids(turned[part].chains)).toEqual(ids(first[part].chains));
    const others = [2, 3, 4].map((seed) => ids(prepareChains(chains, { ...options, seed }).heldout.chains).join());
    expect(new Set([ids(first.heldout.chains).join(), ...others]).size).toBe(4);
  });

  it("holds out a tenth of the families by default, at least one", () => {
    expect(prepareChains(builtinBackbones(), { seed: 1 }).heldout.chains).toHaveLength(3);
    const two = [chainOf(randomSequence(30, 1)), chainOf(randomSequence(30, 2))];
    expect(prepareChains(two, { seed: 1 }).heldout.chains).toHaveLength(1);
  });

  it("holds frames of one protein together, though they are a crowd", () => {
    const frames = Array.from({ length: 40 }, (_, i) => chainOf(randomSequence(50, 1), i));
    const chains = [...frames, chainOf(randomSequence(50, 2)), chainOf(randomSequence(50, 3))];
    for (let seed = 0; seed < 8; seed++) {
      const { train, heldout } = prepareChains(chains, { seed, heldout: 1 });
      expect([2, 41]).toContain(train.chains.length);
      expect(train.chains.map(({ sequence }) => sequence)).not.toContain(heldout.chains[0]!.sequence);
    }
  });

  it("leaves out what is too short, too long, broken or unknown, counted by the first reason", () => {
    const good = [1, 2, 3].map((seed) => chainOf(randomSequence(30, seed)));
    const broken = chainOf(randomSequence(30, 4));
    const gap = makeChain({ ...broken, positions: broken.positions.map((value, i) => (i > 45 ? value + 5 : value)) });
    const bad = [
      chainOf(randomSequence(19, 5)),
      chainOf(randomSequence(41, 6)),
      gap,
      chainOf(`${randomSequence(26, 7)}XXXX`),
      chainOf(`${randomSequence(27, 8)}XXX`),
    ];
    const given = { seed: 1, heldout: 1, longest: 40 };
    const { train, heldout, skipped } = prepareChains([...bad, ...good], given);
    expect(train.chains.length + heldout.chains.length).toBe(4);
    expect(skipped).toEqual([
      { reason: "too short", count: 1 },
      { reason: "too long", count: 1 },
      { reason: "with breaks", count: 1 },
      { reason: "with unknown residues", count: 1 },
    ]);
    const all = prepareChains([...bad, ...good], { seed: 1, heldout: 1, shortest: 1, breaks: "keep", unknown: 1 });
    expect([all.train.chains.length, all.skipped]).toEqual([7, []]);
  });

  it.each<[Chain[], Partial<ChainDatasetOptions>, string, RegExp]>([
    [[], {}, "no-data", /^none of 0 chains can be used$/],
    [[chainOf("AAA")], {}, "no-data", /^none of 1 chains can be used; left out are 1 too short$/],
    [[chainOf("A".repeat(30))], {}, "no-data", /^3 held-out of 1 families of sequences leave none to train on$/],
    [builtinBackbones(), { heldout: 32 }, "no-data", /^32 held-out of 32 families/],
    [builtinBackbones(), { heldout: 0 }, "bad-option", /^heldout is 0$/],
    [builtinBackbones(), { shortest: 5, longest: 4 }, "bad-option", /^longest is 4$/],
    [builtinBackbones(), { unknown: 2 }, "bad-option", /^unknown is 2$/],
    [builtinBackbones(), { similarity: NaN }, "bad-option", /^similarity is NaN$/],
    [builtinBackbones(), { breaks: "split" as "keep" }, "bad-option", /^breaks is "split"$/],
    [[{ ...chainOf("AAA"), breaks: new Uint8Array(2) }], {}, "bad-molecule", /^chain 0 has 9 coordinates/],
  ])("refuses what leaves too little or makes no sense (%#)", (chains, given, code, message) => {
    expect(thrown(() => prepareChains(chains, { ...options, ...given }))).toMatchObject({
      code,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/^[A-Z].*\.$/),
    });
  });
});
