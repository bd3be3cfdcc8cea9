// Trains a small denoiser on built-in molecules, as a stream of events, and writes model.safetensors.
import { writeFileSync } from "node:fs";
import { builtinMolecules, train, Training, voxels } from "voxtwirl";
import { openGpu } from "voxtwirl/node";

const gpu = await openGpu();
const steps = Number(process.argv[2] ?? 60);
const config = voxels.check({ ...voxels.presets.tiny, steps, every: 20, heldout: 4 });
const training = await Training.create(gpu, voxels, config, voxels.open(builtinMolecules(), config));

// Ctrl-C ends the stream in order: what was trained so far is written.
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

for await (const event of train(training, { signal: stop.signal })) {
  if (event.type === "eval") {
    const { step, lossTotal, percentEquiv } = event.row;
    console.log(`step ${step}: loss ${lossTotal.toExponential(2)}, ${percentEquiv.toFixed(1)} % lost symmetry`);
  }
  if (event.type === "end") {
    // Without a folder; trainingRun() of voxtwirl/node makes a whole run, as the command does.
    writeFileSync("model.safetensors", await training.encodeModel(event.step));
    console.log(`model.safetensors has the weights of step ${event.step}`);
  }
}
training.destroy();
gpu.destroy();
