import { existsSync } from "node:fs";
import { VoxtwirlError } from "../errors.ts";
import { encodeSafetensors, type SafeTensor } from "../formats/safetensors.ts";
import { writeFileAtomic } from "../node/files.ts";
import { readSafetensors } from "../runs/safetensorsFile.ts";
import type { BatchState, SamplingPlan, SamplingState } from "../tasks/list.ts";

/** What decides the bits of a sampling: one that goes on has the same. */
export interface SampleIdentity extends SamplingPlan {
  readonly modelSha256: string;
  readonly precision: string;
}

/** What is no array of the batch in hand. */
type HandHead = Pick<BatchState, "numbers" | "step">;

/** Version of the layout of the file; raised when older ones can no longer be read. */
const FORMAT = "1";

const WORDS: Readonly<Record<keyof SampleIdentity, string>> = {
  modelSha256: "another model",
  precision: "another --precision",
  lengths: "other chains (--count, --length)",
  steps: "other --steps",
  eta: "another --eta",
  seed: "another --seed",
  batch: "another --batch",
};

/** Beside a result what there is of it so far: `out.pdb.part`. */
export const partPath = (out: string): string => `${out}.part`;

/** Keeps what there is of a sampling: the chains that are done, and those of the batch in hand after some steps. */
export async function writePart(path: string, identity: SampleIdentity, state: SamplingState): Promise<void> {
  const { done, hand } = state;
  const tensor = (name: string, data: Float32Array): SafeTensor => {
    return { name, dtype: "F32", shape: [data.length / 3, 3], data: Float32Array.from(data) };
  };
  const tensors = [
    ...[...done].map(([number, positions]) => tensor(`chain.${number}`, positions)),
    ...(hand ? [tensor("hand.x", hand.x), tensor("hand.previous", hand.previous)] : []),
  ];
  await writeFileAtomic(
    path,
    encodeSafetensors(tensors, {
      format: FORMAT,
      sampling: JSON.stringify(identity),
      ...(hand && { hand: JSON.stringify({ numbers: hand.numbers, step: hand.step }) }),
    }),
  );
}

/**
 * What there is of a sampling, undefined where there is nothing.
 *
 * @throws VoxtwirlError "exists" for one of another model or with other options, which it names; "bad-file" for what is
 *   none
 */
export async function readPart(path: string, identity: SampleIdentity): Promise<SamplingState | undefined> {
  if (!existsSync(path)) return undefined;
  const { metadata, tensors } = await readSafetensors(path);
  const fix = "Repeat the command that it began with, choose another --out, or remove it.";
  if (metadata.format !== FORMAT || metadata.sampling === undefined) {
    throw new VoxtwirlError("bad-file", `${path} is no unfinished sampling of this version`, fix);
  }
  const found = parsed(metadata.sampling, path, fix) as SampleIdentity;
  const names = Object.keys(WORDS) as (keyof SampleIdentity)[];
  const other = names.find((name) => JSON.stringify(found[name]) !== JSON.stringify(identity[name]));
  if (other !== undefined) {
    throw new VoxtwirlError("exists", `${path} is of an unfinished sampling with ${WORDS[other]}`, fix);
  }
  const numbers = (name: string) => {
    const tensor = tensors.get(name);
    if (tensor?.dtype === "F32") return tensor.data as Float32Array;
    throw new VoxtwirlError("bad-file", `${path} lacks '${name}'`, fix);
  };
  const done = new Map<number, Float32Array>();
  for (const name of tensors.keys()) {
    if (name.startsWith("chain.")) done.set(Number(name.slice("chain.".length)), numbers(name));
  }
  const hand = metadata.hand === undefined ? undefined : (parsed(metadata.hand, path, fix) as HandHead);
  return { done, hand: hand && { ...hand, x: numbers("hand.x"), previous: numbers("hand.previous") } };
}

function parsed(json: string, path: string, fix: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new VoxtwirlError("bad-file", `${path} is no unfinished sampling: ${(cause as Error).message}`, fix, {
      cause,
    });
  }
}
