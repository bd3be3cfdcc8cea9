import type { Command } from "@commander-js/extra-typings";
import { elementCount } from "../formats/safetensors.ts";
import { torchStream } from "../formats/torchWriter.ts";
import { requireWritable } from "../node/files.ts";
import { requireNew, writeNewFile } from "../node/newFile.ts";
import { countOf, formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import { safetensorsPieces } from "../runs/safetensorsFile.ts";
import { toVoxmol } from "../tasks/list.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { badOption, exits } from "./args.ts";
import { printJson } from "./json.ts";
import { print } from "./stdout.ts";
import { writeWhole } from "./wholeFile.ts";

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
  const { result, code } = await writeWhole({ out, after: "the tensor in hand" }, async (goOn, progress) => {
    progress.show(`reading ${from}`);
    const model = await readModelFile(from);
    progress.show(`writing ${out}`);
    const { pieces, foreign } = toTorch ? asTorch(model) : asSafetensors(model);
    await writeNewFile(out, eachAfter(goOn, pieces));
    return { model, foreign };
  });
  if (result !== undefined) tell(result.model, { from, out, foreign: result.foreign, json: options.json ?? false });
  return code;
}

interface Written {
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Why VoxMol's code cannot build the network, where it is to. */
  readonly foreign: readonly string[];
}

function asTorch(model: ModelFile): Written {
  const { stream, contents, foreign } = toVoxmol(model);
  return { pieces: torchStream(stream, contents), foreign };
}

function asSafetensors({ file }: ModelFile): Written {
  return { pieces: safetensorsPieces([...file.tensors.values()], file.metadata), foreign: [] };
}

async function* eachAfter(
  goOn: () => void,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    goOn();
    yield piece;
  }
}

interface Told {
  readonly from: string;
  readonly out: string;
  readonly foreign: readonly string[];
  readonly json: boolean;
}

function tell(model: ModelFile, { from, out, foreign, json }: Told): void {
  const tensors = [...model.file.tensors.values()];
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const remarks = foreign.length === 0 ? [] : [`VoxMol's own code cannot build this network: ${foreign.join("; ")}`];
  const { task, training } = model.config;
  if (json) {
    const to = TORCH.test(out) ? "torch" : "safetensors";
    printJson({ type: "convert", from, out, to, task, training, tensors: tensors.length, parameters, remarks });
    return;
  }
  print([`${out}: ${countOf(tensors.length, "tensor")} of ${from}, ${formatCount(parameters)} parameters`]);
  for (const remark of remarks) process.stderr.write(`voxtwirl: ${remark}\n`);
}
