// Time and memory of a preset's training step and of one evaluated molecule: `npm run bench -- [PRESET] [REPEATS]`.
// Wall time of whole replays, medians of REPEATS after one that compiles; molecules are the built-in ones.
import { builtinMolecules, modelConfig, ParameterStore, prepareDataset, presets, Trainer, unet3d, unetParameters } from "../src/index.ts";
import { initialise, VoxelEvaluator, type Gpu, type Plan } from "../src/index.ts";
import { openGpu } from "../src/node.ts";
import { STATUS_BYTES } from "../src/training/trainer.ts";
import { streams } from "../src/training/streams.ts";

const [preset = "tiny", repeats = "7"] = process.argv.slice(2);
const config = presets[preset];
if (!config) throw new Error(`no preset ${preset}: ${Object.keys(presets).join(", ")}`);
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const gpu = await openGpu();
console.log(`${gpu.info.description || gpu.info.device}, preset ${preset}, medians of ${repeats}`);
const data = prepareDataset(builtinMolecules(), { ...config, heldout: 2 });
const parameters = unetParameters(modelConfig(config));
const store = new ParameterStore(gpu, parameters);
initialise(store, parameters, config.seed);

const trainer = await Trainer.create(gpu, config, store, data.train);
const staging = gpu.createBuffer("status", STATUS_BYTES, 9); // MAP_READ | COPY_DST
await report(gpu, "training step", trainer.plan, (i) => trainer.run(i, { buffer: staging, offset: 0 }));
trainer.destroy();

const { grid, resolution, sigma, shift, twirl, seed, elements } = config;
const evaluator = await VoxelEvaluator.create(
  gpu,
  {
    ...{ molecules: data.heldout, grid, channels: elements.length, resolution, sigma, shift, twirl, seed },
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
  },
  (graph, x) => unet3d(graph, modelConfig(config), x, { parameter: store.bind(graph, { constants: "ema" }) }),
);
await report(gpu, `one molecule, ${twirl} rotations`, evaluator.plan, () => evaluator.plan.run());
gpu.destroy();

async function report(gpu: Gpu, what: string, plan: Plan, run: (index: number) => void): Promise<void> {
  const encode: number[] = [];
  const whole: number[] = [];
  for (let i = 0; i <= Number(repeats); i++) {
    const start = performance.now();
    run(i);
    const encoded = performance.now();
    await gpu.finish();
    const ms = performance.now() - start;
    if (i === 0) {
      console.log(`${what}: first run ${ms.toFixed(0)} ms (compiles)`);
      continue;
    }
    encode.push(encoded - start);
    whole.push(ms);
  }
  const ms = median(whole);
  const arena = plan.memory.arenas.reduce((sum, bytes) => sum + bytes, 0);
  console.log(
    `${what}: ${ms.toFixed(1)} ms, ${(plan.flops / ms / 1e6).toFixed(1)} GFLOP/s, ${plan.dispatchCount} dispatches encoded and submitted in ` +
      `${median(encode).toFixed(2)} ms; ${(arena / 2 ** 20).toFixed(1)} MiB planned, ${(arena / plan.memory.lowerBound).toFixed(3)} of the lower bound`,
  );
}
