// A user's program: trains two steps with the installed package and prints what came out as one line of JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as anywhere from "voxtwirl";
import {
  builtinMolecules,
  checkTrainConfig,
  Gpu,
  initialise,
  modelConfig,
  openChemLibKey,
  openGpu,
  ParameterStore,
  prepareDataset,
  presets,
  Trainer,
  trainLoop,
  unetParameters,
  VoxtwirlError,
} from "voxtwirl/node";

assert.equal(anywhere.Gpu, Gpu);
assert.equal(anywhere.VoxtwirlError, VoxtwirlError);

const config = checkTrainConfig({ ...presets.tiny, batch: 2, microBatch: 2, steps: 2, every: 2, heldout: 2 });
const molecules = builtinMolecules().slice(0, 12);
const data = prepareDataset(molecules, config, await openChemLibKey());
const parameters = unetParameters(modelConfig(config));
const gpu = await openGpu();
const store = new ParameterStore(gpu, parameters);
initialise(store, parameters, config.seed);
const trainer = await Trainer.create(gpu, config, store, data.train);
const rows = [];
const nothing = { lossTotal: 1, lossMean: 1, lossEquiv: 0, lossZero: 1, percentEquiv: 0, percentEquivStdErr: 0 };
await trainLoop({
  gpu,
  config,
  trainer,
  evaluate: async () => nothing,
  start: { step: 0, seconds: 0 },
  onTrain: async (more) => void rows.push(...more),
  onEval: async () => {},
  checkpoint: async () => {},
  onProgress: () => {},
});
trainer.destroy();
store.destroy();
gpu.destroy();
const shader = readFileSync(fileURLToPath(import.meta.resolve("voxtwirl/shaders/conv3d/conv3d.wgsl")), "utf8");
const [losses, gradNorms] = ["loss", "gradNorm"].map((name) => rows.map((row) => row[name]));
console.log(JSON.stringify({ losses, gradNorms, shader }));
