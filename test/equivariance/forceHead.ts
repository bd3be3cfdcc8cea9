import type { EquivarianceSample, Predict } from "../../src/equivariance/predict.ts";
import { Random } from "../../src/random.ts";

export const ATOMS = 5;

/**
 * The force head of EScAIP (arXiv 2410.24169) by hand: force_i = m_i sum_j c_ij (*) d_ij with unit edge vectors d_ij
 * and 3-vectors c_ij that no rotation changes. Equivariant only where the three numbers of each c_ij are equal.
 */
export function forceHead(samples: number, seed: number) {
  const random = new Random(seed);
  const made = Array.from({ length: samples }, () => ({
    positions: Float32Array.from({ length: 3 * ATOMS }, () => random.normal()),
    masses: Array.from({ length: ATOMS }, () => 0.5 + random.next()),
    c: Array.from({ length: ATOMS * ATOMS * 3 }, () => random.normal()),
  }));
  const directions = (x: Float32Array) => (i: number, j: number) => {
    const d = [0, 1, 2].map((a) => x[3 * j + a]! - x[3 * i + a]!);
    return d.map((value) => value / Math.hypot(...d));
  };
  const pairs = (i: number) => Array.from({ length: ATOMS }, (_, j) => j).filter((j) => j !== i);
  const forces = (n: number, x: Float32Array, isotropic: boolean) => {
    const { masses, c } = made[n]!;
    const d = directions(x);
    const out = new Float32Array(3 * ATOMS);
    for (let i = 0; i < ATOMS; i++) {
      for (const j of pairs(i)) {
        const given = c.slice(3 * (i * ATOMS + j), 3 * (i * ATOMS + j) + 3);
        const average = (given[0]! + given[1]! + given[2]!) / 3;
        d(i, j).forEach((value, a) => (out[3 * i + a]! += masses[i]! * (isotropic ? average : given[a]!) * value));
      }
    }
    return out;
  };
  /** L_equiv of one sample, per number: m_i^2 sum_jk (delta_ij . delta_ik)/3 (d_ij . d_ik), delta = c - mean(c). */
  const lossEquiv = (n: number) => {
    const { positions, masses, c } = made[n]!;
    const d = directions(positions);
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const delta = (i: number, j: number) => {
      const given = c.slice(3 * (i * ATOMS + j), 3 * (i * ATOMS + j) + 3);
      return given.map((value) => value - (given[0]! + given[1]! + given[2]!) / 3);
    };
    let sum = 0;
    for (let i = 0; i < ATOMS; i++) {
      for (const j of pairs(i)) {
        for (const k of pairs(i)) sum += (masses[i]! ** 2 * dot(delta(i, j), delta(i, k)) * dot(d(i, j), d(i, k))) / 3;
      }
    }
    return sum / (3 * ATOMS);
  };
  const inputs: EquivarianceSample<Float32Array>[] = made.map(({ positions }, n) => ({
    input: positions,
    // Some target that the twirled prediction misses: mu plus a constant shift of every force.
    target: forces(n, positions, true).map((value) => value + 0.5),
  }));
  const predict: Predict<Float32Array> = (x, { count, sample }) => {
    const out = new Float32Array(x.length);
    for (let t = 0; t < count; t++) {
      out.set(forces(sample, x.subarray(t * 3 * ATOMS, (t + 1) * 3 * ATOMS), false), t * 3 * ATOMS);
    }
    return out;
  };
  const mean = Array.from({ length: samples }, (_, n) => lossEquiv(n)).reduce((a, b) => a + b, 0) / samples;
  return { inputs, predict, lossEquiv: mean };
}

/** What its inputs are. */
export const vectors = { input: { kind: "vectors" } } as const;
