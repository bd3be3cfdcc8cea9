// How much rotation symmetry have models learned? Measures a function, then a network from a file (see train.mjs).
import { measureEquivariance, octahedral, Random } from "voxtwirl";
import { openGpu, openModel } from "voxtwirl/node";

// A model of your own: any function of `count` rotated grids [D, D, D, C], one after another, to as many predictions.
// This one passes half of every number on to its neighbour along x, which is no way to treat all directions alike.
const blur = (grids) => grids.map((value, i) => (value + (grids[i - 1] ?? 0)) / 2);
const size = 8;
const ball = Float32Array.from({ length: size ** 3 }, (_, i) => {
  const [x, y, z] = [i % size, Math.floor(i / size) % size, Math.floor(i / size ** 2)];
  return Math.exp(-((x - 3) ** 2 + (y - 4) ** 2 + (z - 2) ** 2) / 4);
});
const own = await measureEquivariance(blur, [{ input: ball, target: ball }], {
  group: octahedral(),
  input: { kind: "grid", size, channels: 1 },
});
console.log(`blur along x: ${own.percentEquiv.toFixed(1)} % lost symmetry`);

// A network from a file, or from a run's folder. Of noise alone, a denoiser should leave nothing in any direction.
const gpu = await openGpu();
const model = await openModel(gpu, process.argv[2] ?? "model.safetensors");
const { grid, sigma, elements } = model.config;
const random = new Random(1);
const noise = Float32Array.from({ length: grid ** 3 * elements.length }, () => sigma * random.normal());
const left = await model.predict(noise); // [N, D, D, D, C], here with N = 1
console.log(`the network leaves ${Math.max(...left.map(Math.abs)).toFixed(3)} of noise with deviation ${sigma}`);
const samples = [{ input: noise, target: new Float32Array(noise.length) }];
const measured = await measureEquivariance((grids) => model.predict(grids), samples, {
  group: octahedral(),
  input: { kind: "grid", size: grid, channels: elements.length },
});
console.log(`the network: ${measured.percentEquiv.toFixed(1)} % lost symmetry`);
model.destroy();
gpu.destroy();
