// Frames that ASE writes, rotated here, predicted by ASE's own calculator, and read back.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { so3 } from "../../src/equivariance/groups.ts";
import { frameLabels } from "../../src/formats/frameLabels.ts";
import { readRotatedFrames } from "../../src/frames/rotatedFrames.ts";
import type { RotatedFault } from "../../src/frames/rotatedStructure.ts";
import { rotateFrames } from "../../src/frames/rotateFrames.ts";
import { readFrameFile } from "../../src/node/frameFile.ts";
import { writeFrameFile } from "../../src/node/frameWriter.ts";
import { hasAse, runPython } from "../python.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("ase-loop");
const file = (name: string) => join(folder, name);

const predict = `
def predict(a):
    a.calc = EMT()
    a.get_forces()
    if a.pbc.all(): a.get_stress()
`;
const writing = `
import sys, numpy as np
from ase.build import molecule, bulk
from ase.calculators.emt import EMT
from ase.io import write
${predict}
rng = np.random.default_rng(0)
frames = [molecule("CH3CH2OH"), bulk("Cu", "fcc", a=3.6) * (2, 1, 1), molecule("H2O")]
for a in frames:
    a.positions += 0.05 * rng.normal(size=a.positions.shape)
    predict(a)
write(sys.argv[1], frames, format="extxyz")
print("null")
`;
const predicting = `
import sys
from ase.calculators.emt import EMT
from ase.io import iread, write
${predict}
frames = list(iread(sys.argv[1], format="extxyz"))
for a in frames:
    predict(a)
    if a.pbc.all(): a.wrap()
    if sys.argv[3] == "lose": a.info = {}
write(sys.argv[2], frames, format="extxyz")
print("null")
`;

describe.skipIf(!hasAse)("a potential of ASE's", () => {
  it.each(["keep", "lose"])("turns along, where what stands on comment lines is to %s", async (comments) => {
    const [before, turned, after] = ["in", "rotated", "predicted"].map((name) => file(`${name}-${comments}.extxyz`));
    runPython(writing, before!);
    await writeFrameFile(turned!, rotateFrames(readFrameFile(before!), { group: so3, twirl: 4, seed: 1 }), {
      digits: 10,
    });
    runPython(predicting, turned!, after!, comments);
    const faults: RotatedFault[] = [];
    const sizes: number[] = [];
    for await (const { original, copies } of readRotatedFrames({
      predicted: readFrameFile(after!),
      original: readFrameFile(before!),
      rotated: comments === "lose" ? readFrameFile(turned!) : undefined,
      onFault: (fault) => faults.push(fault),
    })) {
      const labels = frameLabels(original);
      sizes.push(copies.length);
      for (const { rotation, labels: found } of copies) {
        // ASE has eight digits of positions in the original.
        expect(found.energy).toBeCloseTo(labels.energy!, 5);
        const turnedForces = so3().actOnPoints(rotation, labels.forces!);
        turnedForces.forEach((value, i) => expect(found.forces![i]).toBeCloseTo(value, 5));
        const stress = labels.stress && so3().act(rotation, labels.stress, { kind: "tensors" });
        stress?.forEach((value, i) => expect(found.stress![i]).toBeCloseTo(value, 5));
      }
    }
    expect([sizes, faults]).toEqual([[4, 4, 4], []]);
  });
});
