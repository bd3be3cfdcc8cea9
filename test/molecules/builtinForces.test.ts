import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { differences, framed, framedMolecule, framesSeed, kT, makeFrame } from "../../scripts/molecules/frames.ts";
import { potential } from "../../scripts/molecules/geometry.ts";
import {
  builtinForceFrames,
  builtinForcesBytes,
  builtinForcesSha256,
  decodeFrames,
  forceScale,
} from "../../src/molecules/builtinForces.ts";
import { centroid, type Molecule } from "../../src/molecules/molecule.ts";

const frames = builtinForceFrames();
const each = 80;
const framesOf = (molecule: number) => frames.slice(molecule * each, (molecule + 1) * each);

describe("the built-in frames with energies and forces", () => {
  it("are what the hash says, compact, and decoded afresh for each caller", () => {
    expect(createHash("sha256").update(builtinForcesBytes()).digest("hex")).toBe(builtinForcesSha256);
    expect(builtinForcesBytes().length).toBeLessThan(112_500);
    for (const array of ["elements", "positions", "forces"] as const) builtinForceFrames()[0]![array]!.fill(0);
    expect(builtinForceFrames()).toEqual(frames);
    for (const key of ["elements", "positions", "bonds", "forces"] as const) {
      expect(new Set(frames.map((frame) => frame[key])).size, key).toBe(frames.length);
    }
  });

  it("are refused where bytes are missing or too many", () => {
    const bytes = builtinForcesBytes();
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    const lengths = [0, 1, 3, 9, 20, 1000, bytes.length - 1].map((length) => bytes.subarray(0, length));
    for (const damaged of [...lengths, longer]) {
      expect(() => decodeFrames(damaged)).toThrow(/built-in frames are damaged/);
    }
  });

  it("are 80 of each of 12 molecules of 3 to 9 atoms, all finite, with names of their own", () => {
    expect(frames.length).toBe(each * framed.length);
    expect(new Set(frames.map(({ name }) => name)).size).toBe(frames.length);
    expect(frames.at(-1)!.name).toBe("builtin-ethanol-79");
    expect(new Set(frames.flatMap(({ elements }) => [...elements]))).toEqual(new Set([1, 6, 7, 8, 9]));
    for (const { name, elements, positions, forces, energy } of frames) {
      expect(elements.length >= 3 && elements.length <= 9, name).toBe(true);
      expect([positions.length, forces!.length], name).toEqual([3 * elements.length, 3 * elements.length]);
      expect([energy!, ...positions, ...forces!].every(Number.isFinite), name).toBe(true);
      // Within the rounding of the positions.
      expect(Math.max(...centroid(positions).map(Math.abs)), name).toBeLessThan(5.01e-4);
    }
    framed.forEach((_, molecule) => {
      const [first, ...rest] = framesOf(molecule);
      expect(first!.name).toBe(`builtin-${framed[molecule]![0]}-0`);
      expect(rest.every(({ elements }) => elements.join() === first!.elements.join())).toBe(true);
      expect(first!.bonds).toEqual(framedMolecule(molecule).bonds);
    });
  });

  it("have neither net force nor net torque beyond the rounding of the forces", () => {
    for (const { name, elements, positions: p, forces } of frames) {
      const [net, torque] = [new Float64Array(3), new Float64Array(3)];
      forces!.forEach((force, i) => {
        const [axis, at] = [i % 3, i - (i % 3)];
        const [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
        net[axis]! += force;
        torque[axis]! += p[at + next]! * forces![at + last]! - p[at + last]! * forces![at + next]!;
      });
      expect(Math.max(...net.map(Math.abs)), name).toBeLessThan((0.5 * elements.length) / forceScale + 1e-10);
      expect(Math.max(...torque.map(Math.abs)), name).toBeLessThan(1e-7);
    }
  });

  it("have the energies of OpenChemLib's MMFF94, and forces that are their slopes", () => {
    for (const frame of [7, 7 * each + 11, 12 * each - 1].map((i) => frames[i]!)) {
      const energy = potential(frame);
      expect(frame.energy! - energy(frame.positions), frame.name).toBeCloseTo(0, 12);
      // Plain differences, of another step than the script's: off by a millionth or so.
      frame.forces!.forEach((force, i) => {
        const shifted = (by: number) => energy(frame.positions.map((value, k) => (k === i ? value + by : value)));
        expect(force, frame.name).toBeCloseTo((shifted(-1e-4) - shifted(1e-4)) / 2e-4, 5);
      });
    }
  });

  it("have forces whose differences do not depend on the step, to less than what is stored", () => {
    for (const molecule of framed.keys()) {
      const frame = frames[molecule * each + 5]!;
      const finer = differences(potential(frame), frame.positions, 5e-4);
      frame.forces!.forEach((force, i) => {
        expect(Math.abs(force - finer[i]!), frame.name).toBeLessThan(0.5 / forceScale + 1e-10);
      });
    }
  });

  it("move as at 500 K: half of kT above the minimum for each vibration, within the chance of 80 frames", () => {
    let [excess, expected] = [0, 0];
    framed.forEach(([name], molecule) => {
      const minimum = framedMolecule(molecule);
      const atMinimum = potential(minimum)(minimum.positions);
      const vibrations = 3 * minimum.elements.length - (name === "hydrogen-cyanide" ? 5 : 6);
      const share = framesOf(molecule).reduce((sum, { energy }) => sum + energy! - atMinimum, 0) / each;
      expect(share / ((vibrations * kT) / 2), name).toBeGreaterThan(0.75);
      expect(share / ((vibrations * kT) / 2), name).toBeLessThan(1.25);
      excess += share;
      expected += (vibrations * kT) / 2;
    });
    expect(excess / expected).toBeGreaterThan(0.93);
    expect(excess / expected).toBeLessThan(1.07);
  });

  it("point everywhere: directions fixed to the atoms average to nothing, their squares to a third", () => {
    for (const direction of [(frame: Molecule) => between(frame, 1), across]) {
      const all = frames.map(direction);
      for (let a = 0; a < 3; a++) {
        expect(Math.abs(mean(all.map((v) => v[a]!)))).toBeLessThan(0.06);
        for (let b = 0; b < 3; b++) {
          expect(Math.abs(mean(all.map((v) => v[a]! * v[b]!)) - (a === b ? 1 / 3 : 0))).toBeLessThan(0.04);
        }
      }
    }
  });

  it("are those that the script makes: frames made anew have the same energy, positions and forces", () => {
    for (const [molecule, frame] of [
      [0, 0],
      [1, 79],
      [9, 40],
      [11, 3],
    ] as const) {
      const stored = framesOf(molecule)[frame]!;
      const made = makeFrame(framesSeed, molecule, frame);
      // Another machine's arithmetic may round a position to the other side; that moves a force by some 0.1 eV/A.
      made.positions.forEach((value, i) => expect(Math.abs(value - stored.positions[i]!)).toBeLessThan(0.002));
      made.forces.forEach((value, i) => expect(Math.abs(value - stored.forces![i]!)).toBeLessThan(0.2));
      expect(made.energy).toBeCloseTo(stored.energy!, 1);
    }
  });
});

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The unit vector from the first atom to another. */
function between({ positions: p }: Molecule, other: number): number[] {
  return unit([0, 1, 2].map((axis) => p[3 * other + axis]! - p[axis]!));
}

/** The unit vector across the plane of the first atom, the second and the last. */
function across(frame: Molecule): number[] {
  const [a, b] = [between(frame, 1), between(frame, frame.elements.length - 1)];
  return unit([0, 1, 2].map((i) => a[(i + 1) % 3]! * b[(i + 2) % 3]! - a[(i + 2) % 3]! * b[(i + 1) % 3]!));
}

function unit(v: number[]): number[] {
  const length = Math.hypot(...v);
  return v.map((value) => value / length);
}
