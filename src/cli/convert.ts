import type { Command } from "@commander-js/extra-typings";
import { elementCount } from "../formats/safetensors.ts";
import { torchStream } from "../formats/torchWriter.ts";
import { requireWritable } from "../node/files.ts";
import { requireNew, writeNewFile } from "../node/newFile.ts";
import { countOf, formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import { safetensorsPieces } from "../runs/safetensorsFile.ts";
import { foreignToVoxmol, toVoxmol } from "../tasks/list.ts";
import { voxelModelFile } from "../tasks/voxels/voxelModelFile.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { badOption, exits } from "./args.ts";
import { interruptible } from "./interrupt.ts";
import { printJson } from "./json.ts";
import { showProgress } from "./progress.ts";
import { print } from "./stdout.ts";

const TORCH = /\.(pth\.tar|pth|pt|ckpt)$/i;
const SAFETENSORS = /\.safetensors$/i;

const convertOptions = (command: Command) =>
  command
    .argument("<IN>", "a run's folder, a model.safetensors, or a checkpoint of VoxMol's code (.pth.tar, .pt, .pth)")
    .argument("<OUT>", "a new file: .safetensors for voxtwirl, .pth.tar, .pt or .pth for VoxMol's code and PyTorch")
    .option("--json", "print one JSON object on stdout");

export const define = (command: Command) => convertOptions(command).addHelpText("after", NEXT).action(exits(run));

const NEXT = `
Nothing in a checkpoint is run. Of several sets of weights the averaged ones are taken (state_dict_ema). Kernels have
their axes as each side has its grids: z, y, x in .safetensors, x, y, z in PyTorch's files. Nothing is overwritten.`;

/** What ends the writing early, so that nothing is left of it. */
class Interrupted extends Error {}

/** Writes a model as a file of the other kind. */
async function run(from: string, out: string, options: { json?: true | undefined }): Promise<number> {
  const toTorch = TORCH.test(out);
  if (!toTorch && !SAFETENSORS.test(out)) {
    throw badOption(
      `${out} does not end in .safetensors, .pth.tar, .pth, .pt or .ckpt`,
      "Name it by what it is to be.",
    );
  }
  await requireNew(out);
  await requireWritable(out);
  const progress = showProgress();
  const interruption = interruptible({ after: "the tensor in hand", warn: progress.warn });
  interruption.begin();
  try {
    progress.show(`reading ${from}`);
    const model = await readModelFile(from);
    progress.show(`writing ${out}`);
    await writeNewFile(out, until(interruption.signal, toTorch ? asTorch(model) : asSafetensors(model)));
    progress.clear();
    tell(model, from, out, toTorch, options.json ?? false);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.warn(`interrupted: ${out} is not written`);
    return interruption.code;
  } finally {
    progress.clear();
    interruption.end();
  }
  return interruption.outputLost ? interruption.code : 0;
}

function asTorch(model: ModelFile): AsyncIterable<Uint8Array> {
  const { stream, contents } = toVoxmol(model);
  return torchStream(stream, contents);
}

function asSafetensors({ file }: ModelFile): Iterable<Uint8Array> {
  return safetensorsPieces([...file.tensors.values()], file.metadata) as Uint8Array[];
}

async function* until(
  signal: AbortSignal,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    if (signal.aborted) throw new Interrupted();
    yield piece;
  }
}

function tell(model: ModelFile, from: string, out: string, toTorch: boolean, json: boolean): void {
  const tensors = [...model.file.tensors.values()];
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const foreign = toTorch ? foreignToVoxmol(voxelModelFile(model).config.training) : [];
  const remarks = foreign.length === 0 ? [] : [`VoxMol's own code cannot build this network: ${foreign.join("; ")}`];
  const { task, training } = model.config;
  if (json) {
    const to = toTorch ? "torch" : "safetensors";
    printJson({ type: "convert", from, out, to, task, training, tensors: tensors.length, parameters, remarks });
    return;
  }
  print([`${out}: ${countOf(tensors.length, "tensor")} of ${from}, ${formatCount(parameters)} parameters`]);
  for (const remark of remarks) process.stderr.write(`voxtwirl: ${remark}\n`);
}
