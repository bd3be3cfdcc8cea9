/** How far predictions differ for other reasons than lost symmetry: digits, number types, chance, and jumps. */
import { PrintedDigits } from "./printedDigits.ts";
import type { PredictedRepeat } from "./predictedCopy.ts";

/** What a floor is taken from. */
export type FloorSource = "digits" | "type" | "repeats" | "jitter" | "tolerance";

/** Below what a spread over rotations says nothing: root mean squares of a number, in the term's unit. */
export interface Floor {
  /** The largest of what follows, or the tolerance where one is given. */
  readonly value: number;
  readonly from: FloorSource;
  /** Of the digits that predictions are written with. */
  readonly digits: number;
  /** Of the type of the numbers. */
  readonly type: number;
  /** Between predictions for the same frame as it is; null without such. */
  readonly repeats: number | null;
  /** Bits of that type: 53 of double precision, 24 of single, 11 of half, 8 of bfloat16. */
  readonly bits: number;
  /**
   * Between the frame as it is and with its last digits changed, of single precision where that is the type; null
   * without such.
   */
  readonly jitter: number | null;
}

/** How far predictions are from that for an edge along an axis. */
export interface NearAxis {
  readonly axis: string;
  /** By rising angle, in radians, with the root mean square of a number. */
  readonly away: readonly { readonly angle: number; readonly rms: number }[];
}

/** A sum of squares, and of how many numbers. */
type Squares = readonly [sum: number, count: number];

/** What one structure tells of a term's floor. */
export interface FloorRecord {
  /** Predictions as they were read, where there are not enough of them yet. */
  readonly read: readonly number[];
  readonly repeats: readonly Squares[];
  readonly jitter: readonly Squares[];
  readonly single: readonly Squares[];
  readonly near: readonly (readonly [kind: string, angle: number, squares: Squares])[];
}

/**
 * @param read predictions as they were read
 * @param repeats one structure's predictions for copies that are no draws, turned back, all of one length
 */
export function floorRecord(
  read: readonly number[],
  repeats: readonly { readonly of: PredictedRepeat; readonly values: Float64Array }[],
): FloorRecord {
  const kind = (wanted: string) => repeats.filter(({ of }) => of.kind === wanted).map(({ values }) => values);
  const same = kind("identity");
  const from = (values: readonly Float64Array[], weight: number) =>
    same[0] === undefined ? [] : values.map((one) => squares(one, same[0]!, weight));
  return {
    read,
    // Of two independent values the squared difference is twice the variance.
    repeats: from(same.slice(1), 0.5),
    jitter: from(kind("jitter"), 1),
    single: from(kind("jitter single"), 1),
    near: repeats.flatMap(({ of, values }) => {
      if (!of.kind.startsWith("near ") || !of.angle) return [];
      const base = repeats.find((one) => one.of.kind === of.kind && one.of.angle === 0)?.values;
      return base === undefined ? [] : [[of.kind, of.angle, squares(values, base, 1)] as const];
    }),
  };
}

/** Collects what is known of a term's floor structure by structure, and keeps sums only. */
export class FloorTally {
  readonly #printed = new PrintedDigits();
  readonly #repeats = new MeanSquare();
  readonly #jitter = new MeanSquare();
  readonly #single = new MeanSquare();
  readonly #near = new Map<string, Map<number, MeanSquare>>();

  /** Whether more predictions as they were read would tell nothing. */
  get hasRead(): boolean {
    return this.#printed.full;
  }

  take({ read, repeats, jitter, single, near }: FloorRecord): void {
    this.#printed.add(read);
    for (const one of repeats) this.#repeats.add(one);
    for (const one of jitter) this.#jitter.add(one);
    for (const one of single) this.#single.add(one);
    for (const [kind, angle, one] of near) {
      const angles = this.#near.get(kind) ?? new Map<number, MeanSquare>();
      this.#near.set(kind, angles);
      const sum = angles.get(angle) ?? new MeanSquare();
      angles.set(angle, sum);
      sum.add(one);
    }
  }

  /** @param tolerance in place of what was found, for programs that iterate up to one */
  floor(tolerance?: number): Floor {
    const { written: digits, type, bits } = this.#printed;
    const jitter = (bits <= 24 ? this.#single : this.#jitter).root;
    const parts = { digits, type, repeats: this.#repeats.root, jitter };
    if (tolerance !== undefined) return { value: tolerance, from: "tolerance", bits, ...parts };
    const [from, value] = (Object.entries(parts) as [keyof typeof parts, number | null][]).reduce((largest, one) =>
      (one[1] ?? 0) > (largest[1] ?? 0) ? one : largest,
    );
    return { value: value ?? 0, from, bits, ...parts };
  }

  nearAxes(): NearAxis[] {
    return [...this.#near].map(([kind, angles]) => ({
      axis: kind.slice("near ".length),
      away: [...angles].sort(([a], [b]) => a - b).map(([angle, sum]) => ({ angle, rms: sum.root ?? 0 })),
    }));
  }
}

class MeanSquare {
  #sum = 0;
  #count = 0;

  add([sum, count]: Squares): void {
    this.#sum += sum;
    this.#count += count;
  }

  get root(): number | null {
    return this.#count === 0 ? null : Math.sqrt(this.#sum / this.#count);
  }
}

function squares(a: Float64Array, b: Float64Array, weight: number): Squares {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += weight * (a[i]! - b[i]!) ** 2;
  return [sum, a.length];
}
