// A user's program: trains two steps with the installed package and prints what came out as one line of JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as anywhere from "voxtwirl";
import {
  builtinMolecules,
  Gpu,
  openChemLibKey,
  openGpu,
  readMoleculeFile,
  RunFolder,
  train,
  trainingRun,
  Training,
  voxels,
  VoxtwirlError,
} from "voxtwirl/node";

assert.equal(anywhere.Gpu, Gpu);
assert.equal(anywhere.VoxtwirlError, VoxtwirlError);

const size = { batch: 2, microBatch: 2, heldout: 2, twirl: 2 };
const config = voxels.check({ ...voxels.presets.tiny, ...size, steps: 2, every: 2 });
const gpu = await openGpu();

// In memory, as in a browser.
const data = voxels.open(builtinMolecules().slice(0, 12), config, await openChemLibKey());
const training = await Training.create(gpu, voxels, config, data);
const rows = [];
for await (const event of train(training)) {
  if (event.type === "train") rows.push(...event.rows);
}
training.destroy();

// In a folder, as the command does.
const folder = await RunFolder.create({ preset: "tiny" });
const file = await readMoleculeFile("builtin");
const events = [];
for await (const event of trainingRun({ gpu, task: voxels, folder, config, file, source: "builtin" }))
  events.push(event);
assert.deepEqual(events.at(-1), { ...events.at(-1), type: "end", step: 2, interrupted: false });
assert.equal((await folder.readState()).metadata.step, "2");
folder.close();

gpu.destroy();
const shader = readFileSync(fileURLToPath(import.meta.resolve("voxtwirl/shaders/conv3d/conv3d.wgsl")), "utf8");
const [losses, gradNorms] = ["loss", "gradNorm"].map((name) => rows.map((row) => row[name]));
console.log(JSON.stringify({ losses, gradNorms, shader }));
