// A user's program: makes a run of two steps in a folder, as the command does, opens its model, and prints what came
// out as one line of JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as anywhere from "voxtwirl";
import {
  Gpu,
  openGpu,
  openModel,
  readMoleculeFile,
  RunFolder,
  trainingRun,
  voxels,
  VoxtwirlError,
} from "voxtwirl/node";

assert.equal(anywhere.Gpu, Gpu);
assert.equal(anywhere.VoxtwirlError, VoxtwirlError);

const size = { batch: 2, microBatch: 2, heldout: 2, twirl: 2 };
const config = voxels.check({ ...voxels.presets.tiny, ...size, steps: 2, every: 2 });
const gpu = await openGpu();

const folder = await RunFolder.create({ preset: "tiny" });
const file = await readMoleculeFile("builtin");
const events = [];
for await (const event of trainingRun({ gpu, task: voxels, folder, config, file, source: "builtin" }))
  events.push(event);
assert.deepEqual(events.at(-1), { ...events.at(-1), type: "end", step: 2, interrupted: false });
assert.equal((await folder.readState()).metadata.step, "2");
folder.close();

const model = await openModel(gpu, folder.path);
assert.equal(model.step, 2);
const predicted = await model.predict(new Float32Array(2 * 16 ** 3 * 5));
model.destroy();

gpu.destroy();
const shader = readFileSync(fileURLToPath(import.meta.resolve("voxtwirl/shaders/conv3d/conv3d.wgsl")), "utf8");
const rows = events.flatMap((event) => (event.type === "train" ? event.rows : []));
const [losses, gradNorms] = ["loss", "gradNorm"].map((name) => rows.map((row) => row[name]));
console.log(JSON.stringify({ losses, gradNorms, predicted: predicted.length, shader }));
