// The examples in Python, with Debian's ASE and PyTorch where they are installed.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { so3 } from "../../src/equivariance/groups.ts";
import { frameLabels } from "../../src/formats/frameLabels.ts";
import { measureFrames } from "../../src/frames/measureFrames.ts";
import { readRotatedFrames } from "../../src/frames/rotatedFrames.ts";
import type { RotatedFault } from "../../src/frames/rotatedStructure.ts";
import { rotateFrames } from "../../src/frames/rotateFrames.ts";
import { readFrameFile } from "../../src/node/frameFile.ts";
import { writeFrameFile } from "../../src/node/frameWriter.ts";
import { hasAse, hasTorch, python, runPython } from "../python.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("python-examples");
const file = (name: string) => join(folder, name);
const root = join(import.meta.dirname, "..", "..");
const script = join(root, "examples", "ase", "predict.py");
const predict = (...args: string[]) => spawnSync(python, [script, ...args], { encoding: "utf8" });

describe.skipIf(!hasAse)("examples/ase/predict.py", () => {
  // Two molecules and a cell, without labels.
  const frames = `3
note="of \\"water\\"" charge=0
O 0.1 0.2 0.3
H 0.9 0.1 0.3
H -0.2 1.1 0.2
2
Lattice="0 1.8 1.8 1.8 0 1.8 3.6 3.6 0" pbc="T T T"
Cu 0 0 0
Cu 1.75 1.85 0.05
2

N 0 0 0
N 1.1 0 0
`;

  it("predicts with an exact potential what turns along to the last digits of the positions", async () => {
    const [before, turned, after] = ["in.extxyz", "rotated.extxyz", "predicted.extxyz"].map(file);
    writeFileSync(before!, frames);
    await writeFrameFile(turned!, rotateFrames(readFrameFile(before!), { group: so3, twirl: 3, seed: 1 }), {
      digits: 10,
    });
    const { status, stdout, stderr } = predict(turned!, after!, "--calculator", "ase.calculators.emt:EMT");
    expect(status, stderr).toBe(0);
    expect(stdout).toBe(`${after}: predictions on 9 frames\n`);
    const faults: RotatedFault[] = [];
    let structures = 0;
    for await (const { original, copies } of readRotatedFrames({
      predicted: readFrameFile(after!),
      original: readFrameFile(before!),
      onFault: (fault) => faults.push(fault),
    })) {
      structures++;
      expect(copies).toHaveLength(3);
      const labels = copies.map(({ predicted }) => frameLabels(predicted));
      for (const { energy, forces, stress } of labels) {
        expect(Math.abs(energy! - labels[0]!.energy!)).toBeLessThan(1e-7);
        const norm = (of: ArrayLike<number>) => Math.hypot(...Array.from(of));
        expect(Math.abs(norm(forces!) - norm(labels[0]!.forces!))).toBeLessThan(1e-6);
        expect(stress === undefined).toBe(original.cell === undefined);
      }
      if (structures === 1) expect(copies[0]!.predicted.info.get("note")).toBe('of "water"');
    }
    expect([structures, faults]).toEqual([3, []]);
  });

  it.each([
    ["ase.calculators.emt:EMT", "{}"],
    ["ase.calculators.lj:LennardJones", '{"sigma": 2.2, "epsilon": 0.3, "rc": 7, "smooth": true}'],
  ])("shows %s to be at the rounding floor, molecules and a cell", async (calculator, options) => {
    const [before, turned, after] = ["in", "rotated", "predicted"].map((name) => file(`${name} ${calculator}.extxyz`));
    writeFileSync(before!, frames);
    const rotating = { group: so3, twirl: 6, seed: 2, repeats: true, nearAxes: true };
    await writeFrameFile(turned!, rotateFrames(readFrameFile(before!), rotating), { digits: 10 });
    const { status, stderr } = predict(turned!, after!, "--calculator", calculator, "--options", options);
    expect(status, stderr).toBe(0);
    const { terms, verdicts, faults } = await measureFrames({
      predicted: readFrameFile(after!),
      original: readFrameFile(before!),
    });
    expect([Object.keys(terms), verdicts, faults]).toEqual([
      ["energy", "energyPerAtom", "forces", "stress"],
      ["rounding"],
      {},
    ]);
  });

  it("replaces no file, and leaves none where the calculator fails", () => {
    writeFileSync(file("in.xyz"), "1\n\nXe 0 0 0\n");
    writeFileSync(file("there"), "kept");
    const emt = ["--calculator", "ase.calculators.emt:EMT"];
    expect(predict(file("in.xyz"), file("there"), ...emt).stderr).toContain("is there already");
    expect(readFileSync(file("there"), "utf8")).toBe("kept");
    const { status, stderr } = predict(file("in.xyz"), file("new"), ...emt);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^frame 1 of .*in\.xyz: NotImplementedError: /);
    expect(readdirSync(folder).filter((name) => name.startsWith("new"))).toEqual([]);
  });
});

describe.skipIf(!hasTorch)("examples/pytorch/callback.py", () => {
  it("measures a model that lacks half of the forces along z as the formula has it", () => {
    const code = `
import json, sys
sys.path.insert(0, sys.argv[1])
import callback, torch
springs = lambda x: -x * torch.tensor([1.0, 1.0, 0.5])
positions = torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(0))
measured = callback.measure(springs, positions, -positions, voxtwirl=sys.argv[2:])
print(json.dumps(measured))`;
    const command = [process.execPath, join(root, "dist", "voxtwirl.js")];
    const measured = runPython(code, join(root, "examples", "pytorch"), ...command) as Record<string, number>;
    // The error is z e_z / 2; its mean over rotations x / 6, so L_mean / L = (1/36) / (1/4 1/3).
    expect(Math.abs(measured.percentEquiv! - 200 / 3)).toBeLessThan(4 * measured.percentEquivStdErr!);
  });
});
