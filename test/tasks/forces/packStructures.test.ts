import { describe, expect, it } from "vitest";
import { builtinForceFrames } from "../../../src/molecules/builtinForces.ts";
import type { Molecule } from "../../../src/molecules/molecule.ts";
import type { ForceConfig } from "../../../src/tasks/forces/forceConfig.ts";
import { energyOf, fitLabels, type LabelledMolecule } from "../../../src/tasks/forces/labels.ts";
import { openStructures, packStructures } from "../../../src/tasks/forces/packStructures.ts";
import { presets } from "../../../src/tasks/forces/presets.ts";

const tiny = presets["forces-tiny"]!;
const frames = builtinForceFrames();

/** A molecule on a line, whose energy its composition tells. */
function line(elements: number[], energy: number): LabelledMolecule {
  const positions = Float64Array.from({ length: 3 * elements.length }, (_, at) => (at % 3 === 0 ? at / 3 : 0));
  return { elements: Uint8Array.from(elements), positions, energy, forces: positions.map((x) => x - 0.5) };
}

describe("labels", () => {
  it("finds the elements' energies where compositions tell them", () => {
    const molecules = [line([1, 1], -2), line([1, 8], -33), line([8, 8, 1], -65), line([1, 1, 8], -34)];
    const { elementEnergies, energyScale } = fitLabels(molecules);
    expect(elementEnergies[1]).toBeCloseTo(-1, 6);
    expect(elementEnergies[8]).toBeCloseTo(-32, 6);
    // What is left is rounding, and has no scale.
    expect(energyScale).toBe(1);
  });

  it("takes the mean of one molecule's frames, and their deviation for the scale", () => {
    const energies = [-4209.1, -4209.3, -4208.6, -4209.0];
    const molecules = energies.map((energy) => line([6, 6, 8, 1], energy));
    const { elementEnergies, energyScale, forceScale } = fitLabels(molecules);
    const mean = energies.reduce((sum, e) => sum + e, 0) / 4;
    expect(energyOf(elementEnergies, [6, 6, 8, 1])).toBeCloseTo(mean, 6);
    const deviation = Math.sqrt(energies.reduce((sum, e) => sum + (e - mean) ** 2, 0) / 4);
    expect(energyScale).toBeCloseTo(deviation, 6);
    const { forces } = molecules[0]!;
    expect(forceScale).toBeCloseTo(Math.sqrt(forces.reduce((sum, f) => sum + f * f, 0) / 12), 12);
  });
});

describe("structures", () => {
  const open = (molecules: readonly Molecule[], changes: Partial<ForceConfig> = {}) =>
    openStructures(molecules, { ...tiny, ...changes });

  it("divides frames by what they are, not by their order", () => {
    const first = open(frames);
    expect(first.heldout.count).toBe(32);
    expect(first.train.count).toBe(frames.length - 32);
    const reversed = open(frames.toReversed());
    expect(Array.from(reversed.heldout.sourceIndex, (i) => frames.length - 1 - i)).toEqual([
      ...first.heldout.sourceIndex,
    ]);
    expect([...open(frames, { seed: 2 }).heldout.sourceIndex]).not.toEqual([...first.heldout.sourceIndex]);
  });

  it("holds out whole molecules where that is asked for", () => {
    const { train, heldout } = open(frames, { split: "molecule", heldout: 100 });
    const names = (of: typeof train) => new Set(Array.from(of.sourceIndex, (i) => frames[i]!.elements.join()));
    expect(heldout.count).toBe(160);
    for (const name of names(heldout)) expect(names(train).has(name)).toBe(false);
    const one = frames.filter(({ elements }) => elements.length === 9);
    expect(() => open(one, { split: "molecule" })).toThrow(/leave no molecules to train on/);
  });

  it("counts what cannot be used by its reason, and refuses what has nothing else", () => {
    const bare = { elements: Uint8Array.of(1, 1), positions: new Float64Array(6) };
    const bad: Molecule[] = [
      bare,
      { ...bare, energy: NaN, forces: new Float64Array(6) },
      { ...bare, energy: 0, forces: new Float64Array(6).fill(Infinity) },
      { ...bare, energy: 0, forces: new Float64Array(3) },
      { elements: Uint8Array.of(1), positions: new Float64Array(3), energy: 0, forces: new Float64Array(3) },
      { ...bare, elements: Uint8Array.of(1, 117), energy: 0, forces: new Float64Array(6) },
      { ...frames[0]!, periodic: true },
      { ...frames[0]!, positions: frames[0]!.positions.map((x, at) => (at < 3 ? x + 40 : x)) },
    ];
    const { skipped, train } = open([...frames.slice(0, 40), ...bad], { heldout: 4 });
    expect(train.count).toBe(36);
    expect(skipped.others).toEqual([
      { reason: "no energy or no forces", count: 1 },
      { reason: "energy or forces are not finite", count: 2 },
      { reason: "not a force for each atom", count: 1 },
      { reason: "fewer than two atoms", count: 1 },
      { reason: "elements beyond number 109", count: 1 },
      { reason: "periodic, and forces are of molecules by themselves", count: 1 },
      { reason: "an atom without another within 12 A", count: 1 },
    ]);
    expect(() => open(bad)).toThrow(/none of 8 structures can be used: no energy or no forces 1, /);
  });

  it("turns forces with their structures to the principal axes", () => {
    const { packed } = packStructures(frames.slice(0, 50), { pose: "as-is", cutoff: 12 });
    const { packed: turned } = packStructures(frames.slice(0, 50), { pose: "principal", cutoff: 12 });
    for (let s = 0; s < 50; s++) {
      const [from, to] = [packed.offsets[s]!, packed.offsets[s + 1]!];
      const moments = [0, 1, 2].map((a) => {
        let sum = 0;
        for (let i = from; i < to; i++) sum += turned.atoms[4 * i + a]! ** 2;
        return sum;
      });
      expect(moments[0]).toBeGreaterThanOrEqual(moments[1]!);
      expect(moments[1]).toBeGreaterThanOrEqual(moments[2]! - 1e-6);
      // The product of position and force does not change with the axes.
      const virial = (of: typeof packed) => {
        let sum = 0;
        for (let at = 4 * from; at < 4 * to; at++) if (at % 4 < 3) sum += of.atoms[at]! * of.forces[at]!;
        return sum;
      };
      expect(virial(turned)).toBeCloseTo(virial(packed), 4);
    }
  });

  it("tells of net forces and of lists that overflow, and of nothing else", () => {
    expect(open(frames).remarks).toEqual([]);
    const pushed = frames
      .slice(0, 3)
      .map((molecule) => ({ ...molecule, forces: molecule.forces!.map((f) => f + 0.2) }));
    expect(open([...frames.slice(3, 40), ...pushed], { heldout: 4 }).remarks).toEqual([
      expect.stringMatching(/^forces of 3 of 40 frames do not add up to zero \(by up to 1.0 eV\/A\)/),
    ]);
    expect(open(frames, { neighbours: 6 }).remarks).toEqual([
      "720 of 720 atoms of larger molecules have more than 6 neighbours within 12 A: the nearest 6 count",
    ]);
  });

  it("packs by the scales of a model where there are some", () => {
    const { packed } = packStructures(frames.slice(0, 10), tiny);
    const scales = { ...packed.scales, forceScale: 2 * packed.scales.forceScale };
    const { packed: other } = packStructures(frames.slice(0, 10), tiny, { ...scales });
    expect(other.forces[0]).toBeCloseTo(packed.forces[0]! / 2, 6);
  });
});
