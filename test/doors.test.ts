// Public functions called from plain JavaScript with what no compiler has seen: each says what is wrong.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as typed from "../src/node.ts";

/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-call,
   @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-return -- no types, that is the point */
const v = typed as any;
type Case = readonly [call: string, run: (given: Given) => unknown, code: string, words: RegExp];
interface Given {
  readonly gpu: any;
  readonly graph: any;
  /** [1, 4, 4, 4, 2] */
  readonly x: any;
  readonly weight: any;
}

const config = v.voxels.presets.tiny;
const wrongGpu = /^gpu is (undefined|"runs)/;

const doors: readonly Case[] = [
  ["Gpu.open()", () => v.Gpu.open(), "no-adapter", /no adapter, but undefined/],
  ["Gpu.open('llvmpipe')", () => v.Gpu.open("llvmpipe"), "bad-option", /adapter given is of type string/],
  ["Gpu.fromDevice({})", () => v.Gpu.fromDevice({}), "bad-option", /device given is of type Object/],
  ["gpu.upload('x', [1, 2])", ({ gpu }) => gpu.upload("x", [1, 2]), "bad-option", /^data of 'x' is an array/],
  ["gpu.upload('x')", ({ gpu }) => gpu.upload("x"), "bad-option", /^data of 'x' is undefined/],
  ["gpu.createBuffer('x', NaN, 8)", ({ gpu }) => gpu.createBuffer("x", NaN, 8), "bad-option", /^size of 'x' is NaN/],
  ["gpu.createBuffer('x', '16', 8)", ({ gpu }) => gpu.createBuffer("x", "16", 8), "bad-option", /^size of 'x' is "16"/],
  ["gpu.read(undefined)", ({ gpu }) => gpu.read(undefined), "bad-option", /^a view to read is undefined/],
  ["gpu.write({}, [1])", ({ gpu }) => gpu.write({}, [1]), "bad-option", /^the view to write is a plain object/],

  ["new Graph()", () => new v.Graph(), "bad-option", /^caps is undefined/],
  ["new Graph(gpu)", ({ gpu }) => new v.Graph(gpu), "bad-option", /^caps is a Gpu/],
  [
    "new Graph(caps, f64)",
    ({ gpu }) => new v.Graph(gpu.caps, { precision: "f64" }),
    "bad-option",
    /^precision is "f64"/,
  ],
  ["graph.external('x')", ({ graph }) => graph.external("x"), "bad-shape", /^the shape of 'x' is undefined/],
  ["graph.external, no view", ({ graph }) => graph.external("x", [1]), "bad-option", /^the buffer of 'x' is undefined/],
  [
    "graph.external, a GPUBuffer",
    ({ graph, gpu }) => graph.external("x", [1], gpu.upload("x", new Float32Array(1)).buffer),
    "bad-option",
    /^the buffer of 'x' is a GPUBuffer/,
  ],
  ["graph.scratch('x', 4)", ({ graph }) => graph.scratch("x", 4), "bad-shape", /^the shape of 'x' is 4/],
  ["graph.scratch('x', ['4'])", ({ graph }) => graph.scratch("x", ["4"]), "bad-shape", /shape \["4"\]|shape \[4\]/],
  ["graph.scratch('x', [NaN])", ({ graph }) => graph.scratch("x", [NaN]), "bad-shape", /shape \[NaN\]/],
  [
    "graph.scratch('x', [4], 'f64')",
    ({ graph }) => graph.scratch("x", [4], "f64"),
    "bad-option",
    /dtype of 'x' is "f64"/,
  ],
  ["graph.keep()", ({ graph }) => graph.keep(), "bad-option", /^tensor is undefined/],
  ["graph.backward()", ({ graph }) => graph.backward(), "bad-option", /^output is undefined/],

  ["requireMinimumImage()", () => v.requireMinimumImage(), "bad-option", /^cell is undefined/],
  ["requireMinimumImage([])", () => v.requireMinimumImage([]), "bad-option", /^cutoff is undefined/],

  ["operations.conv3d()", () => v.operations.conv3d(), "bad-option", /^conv3d: graph is undefined/],
  [
    "operations.conv3d(graph)",
    ({ graph }) => v.operations.conv3d(graph),
    "bad-option",
    /^conv3d: options is undefined/,
  ],
  [
    "operations.conv3d, no x",
    ({ graph, weight }) => v.operations.conv3d(graph, { label: "c", weight, stride: 1, padding: 1 }),
    "bad-option",
    /^c: x is undefined/,
  ],
  [
    "operations.conv3d, an array",
    ({ graph, weight }) => v.operations.conv3d(graph, { label: "c", x: [1], weight, stride: 1, padding: 1 }),
    "bad-option",
    /^c: x is an array/,
  ],
  [
    "operations.conv3d, no stride",
    ({ graph, x, weight }) => v.operations.conv3d(graph, { label: "c", x, weight }),
    "bad-option",
    /^c: stride is undefined/,
  ],
  [
    "operations.conv3d, padding '1'",
    ({ graph, x, weight }) => v.operations.conv3d(graph, { label: "c", x, weight, stride: 1, padding: "1" }),
    "bad-option",
    /^c: padding is "1"/,
  ],
  [
    "operations.linear, no weight",
    ({ graph, x }) => v.operations.linear(graph, { label: "l", x }),
    "bad-option",
    /^l: weight is undefined/,
  ],
  [
    "operations.groupNorm, no groups",
    ({ graph, x }) => v.operations.groupNorm(graph, { label: "n", x, gamma: x, beta: x }),
    "bad-option",
    /^n: groups is undefined/,
  ],
  [
    "operations.concatChannels, no b",
    ({ graph, x }) => v.operations.concatChannels(graph, { label: "c", a: x }),
    "bad-option",
    /^c: b is/,
  ],
  [
    "operations.dropout, rate NaN",
    ({ graph, x }) => v.operations.dropout(graph, { label: "d", x, rate: NaN, stream: 1, step: x }),
    "bad-option",
    /^d: rate is NaN/,
  ],
  [
    "operations.attention, no qkv",
    ({ graph }) => v.operations.attention(graph, { label: "a", scale: 1 }),
    "bad-option",
    /^a: qkv is/,
  ],
  [
    "operations.reshape, no shape",
    ({ graph, x }) => v.operations.reshape(graph, x),
    "bad-shape",
    /shape of .* is undefined/,
  ],
  [
    "kernels.silu, no y",
    ({ graph, x }) => v.kernels.silu(graph, { label: "s", x }),
    "bad-option",
    /^s: y is undefined/,
  ],
  [
    "kernels.add, a number",
    ({ graph, x }) => v.kernels.add(graph, { label: "s", a: x, b: 1, y: x }),
    "bad-option",
    /^s: b is 1/,
  ],
  [
    "unet3d, no config",
    ({ graph, x }) => v.unet3d(graph, undefined, x, { parameter: () => x }),
    "bad-option",
    /^config is undefined/,
  ],
  [
    "unet3d, no options",
    ({ graph, x }) => v.unet3d(graph, v.unetConfig(config), x),
    "bad-option",
    /^options is undefined/,
  ],
  [
    "unet3d, no x",
    ({ graph, x }) => v.unet3d(graph, v.unetConfig(config), null, { parameter: () => x }),
    "bad-option",
    /^x is null/,
  ],

  ["Plan.create()", () => v.Plan.create(), "bad-option", wrongGpu],
  ["Plan.create(gpu)", ({ gpu }) => v.Plan.create(gpu), "bad-option", /^graph is undefined/],
  [
    "plan.read()",
    async ({ gpu, graph }) => (await v.Plan.create(gpu, graph)).read(undefined),
    "bad-option",
    /^tensor is undefined/,
  ],
  [
    "plan.profile, repeats '5'",
    async ({ gpu, graph }) => (await v.Plan.create(gpu, graph)).profile({ repeats: "5" }),
    "bad-option",
    /repeats/,
  ],
  [
    "a destroyed plan",
    async ({ gpu, graph }) => {
      const plan = await v.Plan.create(gpu, graph);
      plan.destroy();
      plan.run();
    },
    "destroyed",
    /^plan 'plan' was destroyed/,
  ],
  ["new ParameterStore()", () => new v.ParameterStore(), "bad-option", wrongGpu],
  ["new ParameterStore(gpu)", ({ gpu }) => new v.ParameterStore(gpu), "bad-option", /^specs is undefined/],
  [
    "store.write, an array",
    ({ gpu }) => new v.ParameterStore(gpu, [{ name: "w", shape: [2], trained: true }]).write("w", [1, 2]),
    "bad-option",
    /^the data of 'w' is an array/,
  ],
  [
    "a destroyed store",
    ({ gpu }) => {
      const store = new v.ParameterStore(gpu, [{ name: "w", shape: [2], trained: true }]);
      store.destroy();
      store.view("w");
    },
    "destroyed",
    /^this store was destroyed/,
  ],

  ["VoxelDenoiser.load()", () => v.VoxelDenoiser.load(), "bad-option", wrongGpu],
  ["VoxelDenoiser.load(gpu)", ({ gpu }) => v.VoxelDenoiser.load(gpu), "bad-option", /^the model is undefined/],
  [
    "VoxelDenoiser.load(gpu, path)",
    ({ gpu }) => v.VoxelDenoiser.load(gpu, "runs/tiny-1"),
    "bad-option",
    /^the model is "runs/,
  ],
  ["openModel(gpu)", ({ gpu }) => v.openModel(gpu), "bad-option", /^path is undefined/],
  ["openModel(path)", () => v.openModel("runs/tiny-1"), "bad-option", wrongGpu],

  ["measureEquivariance()", () => v.measureEquivariance(), "bad-option", /^predict is undefined/],
  [
    "measureEquivariance, no options",
    () => v.measureEquivariance((x: any) => x, [{ input: [1], target: [1] }]),
    "bad-option",
    /^options is undefined/,
  ],
  [
    "measureEquivariance, no group",
    () => v.measureEquivariance((x: any) => x, [{ input: [1], target: [1] }], { input: { kind: "scalars" } }),
    "bad-option",
    /group/,
  ],
  ["measurePredictions()", () => v.measurePredictions(), "bad-option", /^samples is undefined/],
  ["decomposeSums([])", () => v.decomposeSums([]), "bad-option", /^sampling is undefined/],
  ["safetensorsStream({})", () => v.safetensorsStream({}).next(), "bad-option", /^specs is undefined/],
  ["Trainer.create(gpu)", ({ gpu }) => v.Trainer.create(gpu), "bad-option", /^task is undefined/],
  ["VoxelEvaluator.create(gpu)", ({ gpu }) => v.VoxelEvaluator.create(gpu), "bad-option", /^options is undefined/],
  ["VoxelEvaluator.create(gpu, {})", ({ gpu }) => v.VoxelEvaluator.create(gpu, {}), "bad-option", /^molecules is/],
  ["PoseEvaluator.create(gpu)", ({ gpu }) => v.PoseEvaluator.create(gpu), "bad-option", /^options is undefined/],
  ["decompose()", () => v.decompose(), "bad-option", /^predictions is undefined/],
  ["decompose([1])", () => v.decompose([1]), "bad-option", /^target is undefined/],

  ["decompose, a loss's name", () => v.decompose([1, 2], [1], { loss: "huber" }), "bad-option", /^loss is "huber"/],
  [
    "decompose, no loss",
    () => v.decompose([1, 2], [1], { loss: { name: "a", split: "gap" } }),
    "bad-option",
    /of is und/,
  ],
  ["huber({ delta: 0 })", () => v.huber({ delta: 0 }), "bad-option", /^delta is 0/],
  ["crossEntropy()", () => v.crossEntropy(), "bad-option", /^options is undefined/],
  ["crossEntropy({})", () => v.crossEntropy({}), "bad-option", /^classes is undefined/],
  ["bregman({})", () => v.bregman({}), "bad-option", /^phi is undefined/],

  ["prepareDataset()", () => v.prepareDataset(), "bad-option", /^molecules is undefined/],
  ["prepareDataset(molecules)", () => v.prepareDataset([]), "bad-option", /^options is undefined/],
  [
    "prepareDataset, no elements",
    () => v.prepareDataset(v.builtinMolecules(), { grid: 16 }),
    "bad-option",
    /^elements is undefined/,
  ],
  [
    "prepareDataset, grid NaN",
    () => v.prepareDataset(v.builtinMolecules(), { ...config, grid: NaN }),
    "bad-option",
    /^a grid of NaN voxels/,
  ],
  ["prepareDataset, a string", () => v.prepareDataset("CCO", config), "bad-option", /^molecules is "CCO"/],
  ["parsePdb()", () => v.parsePdb(), "bad-option", /^text is undefined/],
  ["parseMmcif(bytes)", () => v.parseMmcif(new Uint8Array(2)), "bad-option", /^text is a Uint8Array/],
  ["encodePdb()", () => v.encodePdb(), "bad-option", /^chains is undefined/],
  ["encodePdb([{}])", () => v.encodePdb([{}]), "bad-option", /^positions of chain 0 is undefined/],
  ["makeChain([])", () => v.makeChain([]), "bad-option", /^chain is an empty array/],
  ["prepareChains()", () => v.prepareChains(), "bad-option", /^chains is undefined/],
  ["prepareChains(chains)", () => v.prepareChains([]), "bad-option", /^options is undefined/],
  ["prepareChains, a seed", () => v.prepareChains([], { seed: "1" }), "bad-option", /^seed is "1"/],
  ["sequenceFamilies('AC')", () => v.sequenceFamilies("AC"), "bad-option", /^sequences is "AC"/],
  ["cropWindow(9, 4, 1)", () => v.cropWindow(9, 4, 1), "bad-option", /^uniform is 1/],
  ["placeTable(config)", () => v.placeTable({ indexEmbedding: 4 }), "bad-option", /^places is undefined/],
  ["timeFrequencies(1)", () => v.timeFrequencies(1), "bad-option", /^the number of frequencies is 1/],
  ["streamUniform()", () => v.streamUniform(), "bad-option", /^the sample is undefined/],
  ["selfConditions()", () => v.selfConditions(), "bad-option", /^the step is undefined/],
  ["packCrops([{}], 4)", () => v.packCrops([{}], 4), "bad-option", /^the chain of crop 0 is undefined/],
  ["chainGeometry([1, 2])", () => v.chainGeometry([1, 2]), "bad-shape", /^2 coordinates/],
  ["chainName()", () => v.chainName(), "bad-option", /^chain is undefined/],
  ["readChainFile()", () => v.readChainFile(), "bad-option", /^path is undefined/],
  ["parseXyz()", () => v.parseXyz(), "bad-option", /^text is undefined/],
  ["parseNpz()", () => v.parseNpz(), "bad-option", /^bytes is undefined/],
  ["parseXyzFrames()", () => v.parseXyzFrames(), "bad-option", /^text is undefined/],
  ["readXyzFrames('1')", () => v.readXyzFrames("1"), "bad-option", /^chunks is "1"/],
  ["encodeXyzFrame()", () => v.encodeXyzFrame(), "bad-option", /^frame is undefined/],
  ["encodeXyzFrame({})", () => v.encodeXyzFrame({}), "bad-option", /^elements of the frame is undefined/],
  ["frameLabels()", () => v.frameLabels(), "bad-option", /^frame is undefined/],
  ["openNpzFrames()", () => v.openNpzFrames(), "bad-option", /^bytes is undefined/],
  ["rotateFrames()", () => v.rotateFrames(), "bad-option", /^frames is undefined/],
  ["rotateFrames([])", () => v.rotateFrames([]), "bad-option", /^options is undefined/],
  ["readRotatedFrames()", () => v.readRotatedFrames(), "bad-option", /^options is undefined/],
  ["readRotatedFrames({})", () => v.readRotatedFrames({}), "bad-option", /^predicted is undefined/],
  [
    "readRotatedFrames, no tolerance",
    () => v.readRotatedFrames({ predicted: [], original: [], tolerance: 0 }),
    "bad-option",
    /^tolerance is 0/,
  ],
  ["rotatedNpz()", () => v.rotatedNpz(), "bad-option", /^source is undefined/],
  ["twirlMark()", () => v.twirlMark(), "bad-option", /^frame is undefined/],
  ["parseSdf(bytes)", () => v.parseSdf(new Uint8Array(2)), "bad-option", /^text is a Uint8Array/],
  ["voxels.check()", () => v.voxels.check(), "bad-option", /^config is undefined/],
  ["voxels.check({})", () => v.voxels.check({}), "bad-option", /^\w+ is undefined/],
  ["voxels.check, steps '9'", () => v.voxels.check({ ...config, steps: "9" }), "bad-option", /^steps is/],
  ["voxels.check, channels 8", () => v.voxels.check({ ...config, channels: 8 }), "bad-option", /^channels is 8/],
  ["unetConfig()", () => v.unetConfig(), "bad-option", /^config is undefined/],
  ["Training.create()", () => v.Training.create(), "bad-option", wrongGpu],
  ["Training.create(gpu)", ({ gpu }) => v.Training.create(gpu), "bad-option", /^task is undefined/],
  ["Training.create(gpu, task)", ({ gpu }) => v.Training.create(gpu, v.voxels), "bad-option", /^config is undefined/],
  ["voxels.open(molecules)", () => v.voxels.open([]), "bad-option", /^config is undefined/],
  [
    "Training.create, no data",
    ({ gpu }) => v.Training.create(gpu, v.voxels, config),
    "bad-option",
    /^data is undefined/,
  ],
  ["train()", () => v.train().next(), "bad-option", /^trained is undefined/],
  ["train({})", () => v.train({}).next(), "bad-option", /^trained\.trainer is undefined/],
  ["perceiveBonds()", () => v.perceiveBonds(), "bad-option", /^molecule is undefined/],
  ["assessMolecules()", () => v.assessMolecules(), "bad-option", /^molecules is undefined/],
  ["assessMolecules([])", () => v.assessMolecules([]), "bad-option", /^there are no molecules/],
  ["assessMolecules([1])", () => v.assessMolecules([1]), "bad-option", /^a molecule is 1/],
  ["assessMolecules(m, { draws: 1 })", () => v.assessMolecules([], { draws: 1 }), "bad-option", /^draws is 1/],
  ["decodeTorch()", () => v.decodeTorch(), "bad-option", /^bytes is undefined/],
  ["openTorch()", () => v.openTorch(), "bad-option", /^source is undefined/],
  ["torchStream()", () => v.torchStream().next(), "bad-option", /^stream is undefined/],
  [
    "torchStream({ specs, data })",
    () => v.torchStream({ specs: [], data() {} }).next(),
    "bad-option",
    /^contents is un/,
  ],
  ["fromVoxmol()", () => v.fromVoxmol(), "bad-option", /^file is undefined/],
  ["fromVoxmol({})", () => v.fromVoxmol({}), "bad-option", /^the file's tensors is undefined/],
  ["toVoxmol()", () => v.toVoxmol(), "bad-option", /^the model is undefined/],
  ["decodeSafetensors()", () => v.decodeSafetensors(), "bad-option", /^bytes is undefined/],
  [
    "decodeSafetensors(ArrayBuffer)",
    () => v.decodeSafetensors(new ArrayBuffer(8)),
    "bad-option",
    /^bytes is an ArrayBuffer/,
  ],
  ["encodeSafetensors()", () => v.encodeSafetensors(), "bad-option", /^tensors is undefined/],
  ["encodeSafetensors([{}])", () => v.encodeSafetensors([{}]), "bad-option", /^the dtype of tensor 0 is undefined/],
  ["renderReport()", () => v.renderReport(), "bad-option", /^input is undefined/],
  ["renderReport({})", () => v.renderReport({}), "bad-option", /^metrics is undefined/],
  ["renderAnalysis()", () => v.renderAnalysis(), "bad-option", /^input is undefined/],
  ["renderAnalysis({})", () => v.renderAnalysis({}), "bad-option", /^what is undefined/],
  ["renderProfile()", () => v.renderProfile(), "bad-option", /^input is undefined/],
  ["profileGroups(profile)", () => v.profileGroups({}), "bad-option", /^dispatches is a plain object/],
  ["profileTrace()", () => v.profileTrace(), "bad-option", /^profile is undefined/],
  ["tune()", () => v.tune(), "bad-option", wrongGpu],
  ["tune(gpu)", ({ gpu }) => v.tune(gpu), "bad-option", /^options is undefined/],
  ["readFrameFile()", () => v.readFrameFile(), "bad-option", /^path is undefined/],
  ["writeFrameFile()", () => v.writeFrameFile(), "bad-option", /^path is undefined/],
  ["writeFrameFile('x')", () => v.writeFrameFile("x"), "bad-option", /^frames is undefined/],
  ["readMoleculeFile()", () => v.readMoleculeFile(), "bad-option", /^path is undefined/],
  ["trainingRun()", () => v.trainingRun().next(), "bad-option", /^options is undefined/],
  ["trainingRun({ gpu })", ({ gpu }) => v.trainingRun({ gpu }).next(), "bad-option", /^task is undefined/],
  ["RunFolder.open()", () => v.RunFolder.open(), "bad-option", /^path is undefined/],
  ["RunFolder.create()", () => v.RunFolder.create(), "bad-option", /^options is undefined/],
  ["RunFolder.create({})", () => v.RunFolder.create({}), "bad-option", /^preset is undefined/],
  ["openGpu({ adapter: 1 })", () => v.openGpu({ adapter: 1 }), "bad-option", /^adapter is 1/],
  ["readSafetensors()", () => v.readSafetensors(), "bad-option", /^path is undefined/],
];

/** Every exported function, and those of exported objects and classes: a coming one is called here unasked. */
const functions = Object.entries<any>(typed).flatMap(([name, value]) => {
  const held = [...Object.getOwnPropertyNames(value)].filter(
    (key) => typeof value[key] === "function" && key !== "prototype",
  );
  const parts = held.map((key) => [`${name}.${key}`, (...args: any[]) => value[key](...args)] as const);
  if (typeof value !== "function") return parts;
  if (!isClass(value as object)) return [[name, value] as const];
  // A class with such functions is made by them: its constructor is private.
  return parts.length > 0 ? parts : [[`new ${name}`, (...args: any[]) => new value(...args)] as const];
});

function isClass(value: object): boolean {
  return Function.prototype.toString.call(value).startsWith("class");
}

async function thrownBy(run: () => any): Promise<unknown> {
  try {
    const given = run();
    const result = await (typeof given?.next === "function" ? given.next() : given);
    result?.destroy?.();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("public functions refuse", () => {
  let gpu: any;
  beforeAll(async () => {
    gpu = await v.openGpu();
  });
  afterAll(() => gpu.destroy());

  it.each(doors)("%s", async (_, run, code, words) => {
    const graph = new v.Graph(gpu.caps);
    const tensor = (...shape: number[]) => graph.scratch(`x${shape.length}`, shape);
    const given = { gpu, graph, x: tensor(1, 4, 4, 4, 2), weight: tensor(3, 3, 3, 2, 2) };
    const error = await thrownBy(() => run(given));
    expect(error).toBeInstanceOf(typed.VoxtwirlError);
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(words),
      fix: expect.stringMatching(/^[A-Z].*[.)]$/),
    });
  });

  it.each(Object.keys(typed.kernels).filter((name) => typeof v.kernels[name] === "function"))(
    "kernels.%s without an object to take its tensors from",
    async (name) => {
      const graph = new v.Graph(gpu.caps);
      for (const args of [undefined, null, 5]) {
        const error = await thrownBy(() => v.kernels[name](graph, args));
        const fix = expect.stringMatching(/^Give \{ label, \w+.* \}\.$/);
        expect(error).toMatchObject({ code: "bad-option", message: `${name}: options is ${args}`, fix });
      }
    },
  );

  it("a Gpu that was destroyed", async () => {
    const other = await v.openGpu();
    other.destroy();
    await expect(v.Plan.create(other, new v.Graph(gpu.caps))).rejects.toMatchObject({ code: "destroyed" });
  });
});

describe("no bare TypeError comes from", () => {
  it.each(functions)("%s of nothing, of null or of a number", async (_, run) => {
    for (const args of [[], [null], [5]]) {
      const error = await thrownBy(() => run(...args));
      if (error !== undefined) expect(error).toBeInstanceOf(typed.VoxtwirlError);
    }
  });
});
