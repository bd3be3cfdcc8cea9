import { describe, expect, it } from "vitest";
import { AGREEMENT, agree, race } from "../../src/tuning/race.ts";

/** Times as a script: of each variant, those of its looks, then one for each round. */
function scripted(script: Record<string, { look: number; rounds: number[] }>) {
  const timed: { name: string; place: string }[] = [];
  const dropped: string[] = [];
  let place = "";
  return {
    timed,
    dropped,
    options: {
      time: async (name: string) => {
        timed.push({ name, place });
        const round = /^round (\d+)$/.exec(place)?.[1];
        const { look, rounds } = script[name]!;
        return round === undefined ? look : rounds[Math.min(Number(round), rounds.length) - 1]!;
      },
      onTiming: (_: string, at: string) => void (place = at),
      onDrop: (name: string) => void dropped.push(name),
    },
  };
}

const steady = (ms: number) => ({ look: ms, rounds: [ms] });

describe("agree", () => {
  it("means within 5 % of the shorter time, either way around", () => {
    expect(AGREEMENT).toBe(0.05);
    expect([agree(100, 105), agree(105, 100), agree(100, 105.1), agree(105.1, 100)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(agree(NaN, 1)).toBe(false);
  });
});

describe("race", () => {
  it("takes a variant that is ahead in two rounds that agree", async () => {
    const { options } = scripted({ table: steady(10), other: { look: 8, rounds: [8, 8.2] } });
    expect(await race(["table", "other"], options)).toEqual({
      outcome: "faster",
      best: "other",
      bestMs: 8.1,
      fallbackMs: 10,
      rounds: 2,
    });
  });

  it("keeps the table's where another is ahead by no more than timings may differ", async () => {
    for (const [ms, outcome] of [
      [9.6, "kept"],
      [9.53, "kept"],
      [9.5, "faster"],
    ] as const) {
      const { options } = scripted({ table: steady(10), other: steady(ms) });
      expect(await race(["table", "other"], options)).toMatchObject({ outcome, best: "other", rounds: 2 });
    }
  });

  it("keeps it where the other is ahead enough in one of the two rounds only", async () => {
    const { options } = scripted({ table: { look: 10, rounds: [10, 9.9] }, other: { look: 9, rounds: [9.4, 9.5] } });
    expect(await race(["table", "other"], options)).toMatchObject({ outcome: "kept" });
  });

  it("times on until two rounds in a row agree", async () => {
    const { options } = scripted({ table: steady(10), other: { look: 6, rounds: [6, 7, 8, 8.1] } });
    expect(await race(["table", "other"], options)).toEqual({
      outcome: "faster",
      best: "other",
      bestMs: 8.05,
      fallbackMs: 10,
      rounds: 4,
    });
  });

  it("is unsure, whatever the gain, where none do: of the best, or of the table's", async () => {
    const wild = { look: 1, rounds: [1, 2, 1, 2] };
    const { options } = scripted({ table: steady(10), other: wild });
    expect(await race(["table", "other"], options)).toMatchObject({ outcome: "unsure", rounds: 4 });
    const table = { look: 10, rounds: [10, 12, 10, 12] };
    const second = scripted({ table, other: steady(5) });
    expect(await race(["table", "other"], second.options)).toMatchObject({ outcome: "unsure", rounds: 4 });
  });

  it("does not mind that a slower one is not steady", async () => {
    const { options } = scripted({ table: steady(10), best: steady(8), wild: { look: 11, rounds: [11, 20, 11, 20] } });
    expect(await race(["table", "best", "wild"], options)).toMatchObject({ outcome: "faster", best: "best" });
  });

  it("keeps the table's where all others are out of reach at first sight, without rounds", async () => {
    const { options, dropped, timed } = scripted({ table: steady(10), slow: steady(16), slower: steady(100) });
    expect(await race(["table", "slow", "slower"], options)).toEqual({
      outcome: "kept",
      best: "table",
      bestMs: 10,
      fallbackMs: 10,
      rounds: 0,
    });
    expect(dropped).toEqual(["slow", "slower"]);
    expect(timed.filter(({ place }) => place.startsWith("round"))).toEqual([]);
  });

  it("times the table's to the end, also where it is far behind, and drops all but the four best", async () => {
    const script = Object.fromEntries([1, 1.1, 1.2, 1.3, 1.4, 1.45].map((ms, i) => [`v${i}`, steady(ms)]));
    const { options, dropped } = scripted({ table: steady(9), ...script });
    const result = await race(["table", ...Object.keys(script)], options);
    expect(result).toMatchObject({ outcome: "faster", best: "v0", fallbackMs: 9 });
    expect(dropped).toEqual(["v4", "v5"]);
  });

  it("lets them take turns, after a run of each that does not count", async () => {
    const { options, timed } = scripted({ table: steady(20), other: steady(18) });
    await race(["table", "other"], options);
    expect(timed.slice(0, 6).map(({ place }) => place)).toEqual([
      "warm-up",
      "first look",
      "first look",
      "warm-up",
      "first look",
      "first look",
    ]);
    const rounds = timed.slice(6);
    expect(rounds.map(({ name }) => name)).toEqual(rounds.map((_, i) => (i % 2 === 0 ? "table" : "other")));
    expect(rounds.filter(({ place }) => place === "round 1").length).toBe(6);
  });

  it("takes the median of a round's samples, so that one bad sample changes nothing", async () => {
    let calls = 0;
    const time = async (name: string) => (++calls === 9 ? 1000 : name === "table" ? 10 : 7);
    expect(await race(["table", "other"], { time })).toMatchObject({ outcome: "faster", bestMs: 7, fallbackMs: 10 });
  });

  it("has nothing to choose where there is one variant", async () => {
    const { options } = scripted({ table: steady(3) });
    expect(await race(["table"], options)).toMatchObject({ outcome: "kept", best: "table", bestMs: 3 });
  });
});
