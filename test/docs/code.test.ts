// The documents' blocks of TypeScript run as they stand, on this project's sources.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { documents, root } from "./markdown.ts";
import { temporaryFolder } from "../temporary.ts";

mkdirSync(`${root}.cache`, { recursive: true });
const folder = temporaryFolder("docs", join(root, ".cache"));

/** What a block takes as given, and what is expected of what it prints, by the document's path and its place there. */
const BLOCKS: Readonly<Record<string, { before?: string; after?: string; expected: number }>> = {
  // 27 taps of 5 channels with a weight of 0.1, less what lies outside at the grid's corner.
  "docs/library.md": { expected: 8 * 5 * 0.1 },
  "docs/library.md 2": {
    before: `
      import { builtinMolecules, Training, voxels } from "voxtwirl";
      import { openGpu } from "voxtwirl/node";
      const gpu = await openGpu();
      const config = voxels.check({ ...voxels.presets.tiny, heldout: 2 });
      const data = voxels.open(builtinMolecules().slice(0, 9), config);
      const training = await Training.create(gpu, voxels, config, data);
      const bytes = await training.encodeModel();
      const noisy = new Float32Array(2 * 16 ** 3 * 5);`,
    after: "gpu.destroy();\nconsole.log(clean.length);",
    expected: 2 * 16 ** 3 * 5,
  },
  // A network of 5 channels.
  "docs/checkpoints.md": {
    before: `
      import { readFileSync } from "node:fs";
      const bytes = new Uint8Array(readFileSync("${root}test/golden/checkpoint/voxmol.pth.tar"));`,
    after: "gpu.destroy();\nconsole.log(pieces.length > 100 ? denoiser.config.elements.length : 0);",
    expected: 5,
  },
  "docs/forces.md": {
    before: `
      import { builtinForceFrames, forces, Training } from "voxtwirl";
      import { openGpu } from "voxtwirl/node";
      const gpu = await openGpu();
      const config = forces.check({ ...forces.presets["forces-tiny"]!, heldout: 2, batch: 4, microBatch: 4 });
      const molecules = builtinForceFrames().slice(0, 9);
      const training = await Training.create(gpu, forces, config, forces.open(molecules, config));
      const bytes = await training.encodeModel();`,
    after: "gpu.destroy();\nconsole.log(first!.forces.length / molecules[0]!.elements.length);",
    expected: 3,
  },
  // Two copies of each of the built-in frames.
  "docs/frames.md": {
    before: `const path = "${folder}/rotated.extxyz.gz";`,
    after: "let count = 0;\nfor await (const _ of readFrameFile(path)) count++;\nconsole.log(count);",
    expected: 2 * 960,
  },
  // Crops of 8 chains of 24 residues and more, in nanometres and centred.
  "docs/proteins.md": { after: "console.log(positions.length + 3 * mask.length);", expected: 6 * 8 * 32 },
  // Two chains of 3 registers and 12 residues.
  "docs/flow.md": { expected: 2 * 15 * 3 },
  // Atoms of four chains of 24 residues.
  "docs/sampling.md": {
    before: `
      import { openGpu } from "voxtwirl/node";
      import { smallFlowModel } from "${root}test/tasks/flow/smallFlowModel.ts";
      const gpu = await openGpu();
      const bytes = await smallFlowModel(gpu);`,
    after: "gpu.destroy();\nconsole.log(radiusOfGyration > 0 ? text.match(/^ATOM/gm)!.length : NaN);",
    expected: 4 * 24,
  },
  // The built-in set is valid as a whole.
  "docs/molecules.md": { expected: 1 },
  // The largest eigenvalue of its Hessian of L_equiv.
  "docs/landscape.md": {
    before: `
      import { vectorNet } from "${root}test/analysis/vectorNet.ts";
      const terms = vectorNet();
      const onProgress = () => undefined;
      const signal = new AbortController().signal;`,
    expected: 1.3214144,
  },
  // Evaluated at its ends.
  "docs/training.md": { after: "console.log(percents.length);", expected: 2 },
  // Half the square of 0.05, of predictions on both sides of a target of zero.
  "docs/measuring.md": {
    before: `
      const [samples, targets] = [1, [0]];
      const predictions = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 0.05 : -0.05));`,
    after: "console.log(exact.lossEquiv > 0 && split === 'gap' ? lossEquiv : NaN);",
    expected: 0.00125,
  },
  "docs/measuring.md 2": {
    before: `
      const molecules = [{ positions: [[0, 0, 0], [1, 0.5, 0]], forces: [[0, 1, 0], [0, -1, 0]] }];
      const model = (positions: ArrayLike<number>) => positions;`,
    after: "console.log(percentEquiv);",
    expected: 0,
  },
  // Forces z e_x of one atom 3 A from the origin: a sixth of the square is of degree 1.
  "docs/measuring.md 3": {
    before: `
      import { shear, twistedBy } from "${root}test/equivariance/twistedBy.ts";
      const samples = [{ positions: Float64Array.of(1, 2, 2), forces: [0, 0, 0] }];
      const twist = (positions, rotations) => twistedBy(shear, positions, rotations);`,
    after: "console.log(Math.abs(equiv - 3) + Math.abs(remainder) < 1e-9 ? parts[0].value : NaN);",
    expected: 1.5,
  },
  // Half of what a force on one hydrogen alone is wrong by.
  "docs/measuring.md 4": {
    before: `
      const waters = [{ positions: [[0, 0, 0], [1, 0, 0], [0, 1, 0]], forces: new Float32Array(9) }];
      const model = (positions: ArrayLike<number>) => Array.from(positions, (_, i) => (i % 9 === 3 ? 1 : 0));`,
    after: "console.log(percentEquiv);",
    expected: 50,
  },
  "docs/measuring.md 5": {
    before: `
      import { builtinMolecules, Training, voxels } from "voxtwirl";
      import { openGpu } from "voxtwirl/node";
      const gpu = await openGpu();
      const config = voxels.check({ ...voxels.presets.tiny, heldout: 4 });
      const { train, heldout } = voxels.open(builtinMolecules().slice(0, 12), config);
      const training = await Training.create(gpu, voxels, config, { train, heldout });
      const bytes = await training.encodeModel();`,
    after: "gpu.destroy();\nconsole.log(similarities.length);",
    expected: 17,
  },
};

const blocks = documents().flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language }) => /^(ts|js|typescript|javascript)$/.test(language))
    .map(({ code }, i) => ({ path: i === 0 ? path : `${path} ${i + 1}`, code })),
);

describe("TypeScript", () => {
  it("is in the documents expected", () => {
    expect(blocks.map(({ path }) => path).sort()).toEqual(Object.keys(BLOCKS).sort());
  });

  it.each(blocks)("of $path runs", async ({ path, code }) => {
    const { before = "", after = "", expected } = BLOCKS[path]!;
    const whole = [code.replace(/^(import .*\n)+/, `$&${before}\n`), after].join("\n");
    const linked = whole.replace(
      /from "voxtwirl(\/node)?"/g,
      (_, node) => `from "${root}src/${node ? "node" : "index"}.ts"`,
    );
    const file = join(folder, `${path.replace(/\W/g, "-")}.ts`);
    writeFileSync(file, linked);
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    try {
      await import(file);
      expect(log.mock.calls).toHaveLength(1);
      expect(log.mock.calls[0]![0]).toBeCloseTo(expected, 5);
    } finally {
      log.mockRestore();
    }
  });
});
