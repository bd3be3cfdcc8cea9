import { describe, expect, it } from "vitest";
import { decompose, Tally } from "../../src/equivariance/decomposition.ts";
import { octahedral } from "../../src/equivariance/groups.ts";
import {
  absoluteError,
  bregman,
  crossEntropy,
  huber,
  itakuraSaito,
  kullbackLeibler,
  squaredError,
  type Loss,
} from "../../src/equivariance/losses.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import { measurePredictions } from "../../src/equivariance/predictions.ts";
import { Random } from "../../src/random.ts";

const CLASSES = 3;
const ELEMENTS = 12;
const GROUP = 24;
/** The squared error by its divergence, which no fast path knows. */
const squares = bregman({ phi: (x) => x * x, gradient: (x) => 2 * x, name: "squares" });
const entropy = bregman({
  phi: (x) => (x === 0 ? 0 : x * Math.log(x)),
  gradient: (x) => Math.log(x) + 1,
  domain: "non-negative",
});
const burg = bregman({ phi: (x) => -Math.log(x), gradient: (x) => -1 / x, domain: "positive" });
const exponential = bregman({ phi: Math.exp, gradient: Math.exp, name: "exponential" });
const losses: readonly Loss[] = [
  squares,
  absoluteError,
  huber({ delta: 0.3 }),
  crossEntropy({ classes: CLASSES }),
  kullbackLeibler,
  itakuraSaito,
  exponential,
];
const exact = losses.filter(({ split }) => split === "exact");

/** Positive predictions of every rotation and targets that are distributions: all losses take them. */
function drawn(seed: number, samples: number) {
  const random = new Random(seed);
  return Array.from({ length: samples }, () => {
    const raw = Array.from({ length: ELEMENTS }, () => 0.1 + random.next());
    const target = raw.map((value, e) => {
      const start = e - (e % CLASSES);
      return value / raw.slice(start, start + CLASSES).reduce((a, b) => a + b, 0);
    });
    const predictions = Array.from({ length: GROUP * ELEMENTS }, (_, at) => {
      return target[at % ELEMENTS]! * Math.exp(0.5 * random.normal() + 0.2);
    });
    return { predictions, target };
  });
}

function meanOf(predictions: readonly number[], length: number): number[] {
  const count = predictions.length / length;
  return Array.from({ length }, (_, e) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += predictions[i * length + e]!;
    return sum / count;
  });
}

describe("a loss by hand", () => {
  it.each<[Loss, readonly number[], readonly number[], number]>([
    [squaredError, [1, 4], [3, 3], 5],
    [squares, [1, 4], [3, 3], 5],
    [absoluteError, [1, 4], [3, 3], 3],
    [huber({ delta: 1 }), [1, 3.5], [3, 3], 1.5 + 0.125],
    [huber({ delta: 4 }), [1, 3.5], [3, 3], 2.125],
    // Of two classes with logits 0 and log 3, the second has probability 3/4.
    [crossEntropy({ classes: 2 }), [0, Math.log(3)], [0, 1], Math.log(4 / 3)],
    [crossEntropy({ classes: 2 }), [900, 900, 5, 5], [1, 0, 0.25, 0.75], 2 * Math.LN2],
    // As it is of probabilities that were rounded.
    [crossEntropy({ classes: 2 }), [3, 1], [0.5, 0.495], Math.log(Math.exp(3) + Math.E) - 1.995],
    [kullbackLeibler, [2, 0, 0], [1, 3, 0], 2 * Math.LN2 - 1 + 3],
    [entropy, [2, 0], [1, 3], 2 * Math.LN2 - 1 + 3],
    [itakuraSaito, [2, 1], [1, 1], 1 - Math.LN2],
    [burg, [2, 1], [1, 1], 1 - Math.LN2],
    [exponential, [1, 0], [0, 0], Math.E - 2],
  ])("%o of %j for %j", (loss, prediction, target, expected) => {
    expect(loss.of(prediction, target)).toBeCloseTo(expected, 12);
    expect(loss.refuse?.(prediction, target)).toBeUndefined();
  });
});

describe.each(losses)("the terms of $name", (loss) => {
  const samples = drawn(1, 6);
  const predictions = samples.flatMap((sample) => sample.predictions);
  const target = samples.flatMap((sample) => sample.target);
  const all = decompose(predictions, target, { samples: samples.length, loss });
  const values = ELEMENTS / (loss.numbersEach ?? 1);
  /** The mean over samples, per value of the loss. */
  const mean = (of: (sample: (typeof samples)[number]) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length / values;
  const each = ({ predictions }: (typeof samples)[number], of: (prediction: readonly number[]) => number) =>
    Array.from({ length: GROUP }, (_, i) => of(predictions.slice(i * ELEMENTS, (i + 1) * ELEMENTS))).reduce(
      (sum, value) => sum + value / GROUP,
      0,
    );

  it("are what their definitions say, from all elements of the group", () => {
    const total = mean((sample) => each(sample, (prediction) => loss.of(prediction, sample.target)));
    const lossMean = mean((sample) => loss.of(meanOf(sample.predictions, ELEMENTS), sample.target));
    expect(all.lossTotal).toBeCloseTo(total, 12);
    expect(all.lossMean).toBeCloseTo(lossMean, 12);
    expect(all.lossEquiv).toBeCloseTo(total - lossMean, 12);
    expect(all.lossEquiv).toBeGreaterThan(1e-3);
    expect(all.percentEquiv).toBeCloseTo((100 * (total - lossMean)) / total, 9);
    expect(all).toMatchObject({ loss: loss.name, split: loss.split, samples: 6, rotations: GROUP });
  });

  it("are zero where predictions do not depend on the rotation, and never below", () => {
    const alike = samples.map((sample) => ({
      ...sample,
      predictions: Array.from({ length: GROUP * ELEMENTS }, (_, at) => sample.predictions[at % ELEMENTS]!),
    }));
    for (const [given, least, most] of [
      [alike, -1e-14, 1e-14],
      [samples, 0, Infinity],
    ] as const) {
      for (const sample of given) {
        const { lossEquiv } = decompose(sample.predictions, sample.target, { loss });
        expect(lossEquiv).toBeGreaterThanOrEqual(least);
        expect(lossEquiv).toBeLessThanOrEqual(most);
      }
    }
  });

  it("from a few rotations are within their error of those from all", () => {
    const many = drawn(5, 400);
    const random = new Random(3);
    const totals = { exact: 0, found: 0, squares: 0, plain: 0 };
    const N = 4;
    for (const { predictions, target } of many) {
      const chosen = random.shuffle(Uint32Array.from({ length: GROUP }, (_, i) => i)).slice(0, N);
      const few = Array.from(chosen).flatMap((i) => predictions.slice(i * ELEMENTS, (i + 1) * ELEMENTS));
      const full = decompose(predictions, target, { loss }).lossEquiv;
      const found = decompose(few, target, { loss }).lossEquiv;
      totals.exact += full;
      totals.found += found;
      totals.squares += (found - full) ** 2;
      // Without a correction: l(m, y) of the few in place of l(mu, y).
      totals.plain += decompose(few, target, { loss, groupOrder: N }).lossEquiv;
    }
    const error = Math.sqrt(totals.squares);
    expect(error / totals.exact).toBeLessThan(0.1);
    const bias = totals.exact - totals.plain;
    expect(bias).toBeGreaterThan(5 * error);
    // A kink leaves some of it.
    const kinked = loss.split === "gap";
    expect(Math.abs(totals.found - totals.exact)).toBeLessThan(3 * error + (kinked ? bias / 2 : 0));
  });

  it("have a measured gain, and a predicted one for the squared error alone", () => {
    expect(all.gains.map(({ count }) => count)).toEqual([1, 2, 4, 8, 12, 24]);
    expect(all.gains.map(({ percentPredicted }) => percentPredicted)).toEqual(all.gains.map(() => NaN));
    expect(all.gains[0]!.percentGain).toBeCloseTo(0, 10);
    // All 24 averaged is the twirled prediction.
    expect(all.gains[5]!.percentGain).toBeCloseTo(all.percentEquiv, 9);
    for (const [k, { percentGain }] of all.gains.entries()) {
      if (k > 0) expect(percentGain).toBeGreaterThan(all.gains[k - 1]!.percentGain);
    }
  });
});

describe.each(exact)("the split of $name", (loss) => {
  /** Of logits by the softmax's divergence, of all others by themselves. */
  const divergence = (f: readonly number[], mu: readonly number[]) => {
    if (loss.name !== "cross-entropy") return loss.of(f, mu);
    let sum = 0;
    for (let at = 0; at < f.length; at += CLASSES) {
      const log = (values: readonly number[]) => {
        const part = values.slice(at, at + CLASSES);
        const whole = Math.log(part.reduce((total, value) => total + Math.exp(value), 0));
        return part.map((value) => value - whole);
      };
      const [p, q] = [log(mu), log(f)];
      sum += p.reduce((total, value, e) => total + Math.exp(value) * (value - q[e]!), 0);
    }
    return sum;
  };

  it("is a mean divergence from the twirled prediction, whatever the target", () => {
    const [first, second] = drawn(9, 2);
    const { predictions } = first!;
    const mu = meanOf(predictions, ELEMENTS);
    let mean = 0;
    for (let i = 0; i < GROUP; i++) {
      mean += divergence(predictions.slice(i * ELEMENTS, (i + 1) * ELEMENTS), mu) / GROUP;
    }
    const expected = mean / (ELEMENTS / (loss.numbersEach ?? 1));
    for (const { target } of [first!, second!]) {
      const { lossEquiv } = decompose(predictions, target, { loss });
      expect(Math.abs(lossEquiv / expected - 1)).toBeLessThan(1e-11);
    }
  });
});

describe("gaps", () => {
  it.each([absoluteError, huber({ delta: 0.3 })])("depend on the target: $name", (loss) => {
    const [first, second] = drawn(9, 2);
    const [one, other] = [first!, second!].map(({ target }) => decompose(first!.predictions, target, { loss }));
    expect(one!.split).toBe("gap");
    expect(Math.abs(one!.lossEquiv / other!.lossEquiv - 1)).toBeGreaterThan(1e-2);
  });
});

describe("the squared error by the jackknife", () => {
  it.each([
    [24, 24],
    [5, 24],
    [2, 24],
    [5, Infinity],
  ])("is the unbiased estimate that it has without: %d of %d", (rotations, groupOrder) => {
    const samples = drawn(2, 5);
    const predictions = samples.flatMap((sample) => sample.predictions.slice(0, rotations * ELEMENTS));
    const target = samples.flatMap((sample) => sample.target);
    const options = { samples: samples.length, groupOrder };
    const { gains: _, ...known } = decompose(predictions, target, options);
    const found = decompose(predictions, target, { ...options, loss: squares });
    for (const [name, value] of Object.entries(known)) {
      if (typeof value !== "number" || name === "ignored") continue;
      const other = found[name as "lossTotal"];
      expect(Math.abs(other / value - 1), name).toBeLessThan(1e-11);
    }
  });
});

describe("the loss of predicting zero", () => {
  const [sample] = drawn(4, 1);
  const zero = (loss: Loss) => decompose(sample!.predictions, sample!.target, { loss }).lossZero;

  it("is that of the uniform distribution for logits, and nothing where zero has no value", () => {
    const mean = sample!.target.reduce((sum, value) => sum + value, 0) / ELEMENTS;
    expect(zero(absoluteError)).toBeCloseTo(mean, 12);
    expect(zero(kullbackLeibler)).toBeCloseTo(mean, 12);
    expect(zero(huber({ delta: 10 }))).toBeCloseTo(zero(squaredError) / 2, 12);
    expect(zero(crossEntropy({ classes: CLASSES }))).toBeCloseTo(Math.log(CLASSES), 12);
    expect(zero(itakuraSaito)).toBeNaN();
    expect(zero(burg)).toBeNaN();
  });
});

describe("a loss in every way to measure", () => {
  const loss = huber({ delta: 0.2 });
  const samples = drawn(6, 4);
  const expected = decompose(
    samples.flatMap(({ predictions }) => predictions),
    samples.flatMap(({ target }) => target),
    { samples: samples.length, loss },
  );

  it("is the same of predictions and of a model", async () => {
    const found = await measurePredictions(samples, { loss });
    expect(found).toMatchObject(expected);
    const predict = (_: Float32Array, { sample }: { sample: number }) => samples[sample]!.predictions;
    const inputs = samples.map(({ target }) => ({ input: target, target }));
    const measured = await measureEquivariance(predict, inputs, {
      group: octahedral(),
      input: { kind: "scalars" },
      loss,
    });
    expect(measured).toMatchObject({ loss: "huber", split: "gap" });
    expect(measured.lossEquiv).toBeCloseTo(expected.lossEquiv, 12);
  });
});

describe("a loss of one's own", () => {
  it("needs a name, its split and how it sums", async () => {
    // Too low costs three times as much as too high.
    const pinball: Loss = {
      name: "pinball",
      split: "gap",
      of: (f, y) => {
        const errors = Array.from(f, (value, e) => value - y[e]!);
        return errors.reduce((sum, error) => sum + Math.max(error, -3 * error), 0);
      },
    };
    const found = decompose([1, -1, 0, 2], [0, 0], { loss: pinball, groupOrder: 2 });
    // Costs 1 + 3 and 0 + 2; the means 0.5 and 0.5 cost 1.
    expect(found).toMatchObject({ loss: "pinball", lossTotal: 1.5, lossMean: 0.5, lossEquiv: 1, lossZero: 0 });
    const refused = { ...pinball, split: "both" as "gap" };
    await expect(measurePredictions(drawn(1, 1), { loss: refused })).rejects.toMatchObject({ code: "bad-option" });
  });
});

describe("what a loss has no meaning for", () => {
  it.each<[Loss, readonly number[], readonly number[], string, RegExp]>([
    [crossEntropy({ classes: 2 }), [1, 2, 3, 4], [0.7, 0.7], "bad-shape", /^sample 0 .*2 probabilities sum up to 1\.4/],
    [crossEntropy({ classes: 2 }), [1, 2, 3, 4], [1.5, -0.5], "bad-shape", /a target is -0\.5/],
    [crossEntropy({ classes: 3 }), [1, 2, 3, 4], [1, 0], "bad-shape", /2 numbers are not 3 for each/],
    [kullbackLeibler, [1, 2, 3, -4], [1, 1], "bad-shape", /a prediction is -4, and it takes non-negative/],
    [kullbackLeibler, [0, 2, 1, 4], [0, 1], "bad-shape", /a target is 0 where its prediction is 1/],
    [itakuraSaito, [1, 2, 3, 0], [1, 1], "bad-shape", /a prediction is 0, and it takes positive/],
    [itakuraSaito, [1, 2, 3, 4], [1, 0], "bad-shape", /a target is 0/],
    [absoluteError, [1, 2, 3, NaN], [1, 0], "not-finite", /^sample 0 has a prediction or target that is not finite/],
    [absoluteError, [1, 2, 3, 4], [1, Infinity], "not-finite", /not finite/],
    [bregman({ phi: Math.log, gradient: (x) => 1 / x }), [1, 2, 3, -4], [1, 1], "not-finite", /bregman of .* is NaN/],
  ])("%o is refused by sample", (loss, predictions, target, code, message) => {
    const tally = new Tally({ rotations: 2, loss });
    expect(() => tally.add(predictions, target)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("may be a mean just outside by rounding, which is no fault of the predictions", () => {
    // 0.1 + 1e-20 - 0.1 is 0, which Itakura and Saito have no value for.
    const { lossEquiv } = decompose([0.1, 1e-20, 0.2], [0.1], { loss: itakuraSaito });
    expect(lossEquiv).toBeGreaterThan(0);
  });
});
