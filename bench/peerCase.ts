// A case as a peer gets it: tensors in files, and its outputs checked.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elementCount } from "../src/gpu/tensor.ts";
import { judge, type CaseData, type Expected, type PeerTask } from "./case.ts";
import type { Entry } from "./caseResult.ts";
import { peerContestant } from "./engines.ts";
import type { Peer } from "./peer.ts";
import type { CaseDescription, PeerReply, TensorFile } from "./protocol.ts";
import type { RecordBuilder } from "./recordBuilder.ts";

/** Lets a peer prepare the case and checks what its first run gave; undefined, and refused, where it cannot. */
export async function loadPeer(
  peer: Peer,
  description: CaseDescription,
  expected: readonly Expected[] | undefined,
  tolerance: number,
  { record, signal }: { readonly record: RecordBuilder; readonly signal: AbortSignal },
): Promise<Entry | undefined> {
  const refused = (reply: PeerReply, caseName = description.name): boolean => {
    if (reply.ok) return false;
    // What ends a peer then is the end of the run.
    if (!signal.aborted) record.refuse({ case: caseName, engine: peer.name, why: reply.why, message: reply.message });
    return true;
  };
  const unopened = await peer.open();
  if (unopened && refused(unopened, "*")) return undefined;
  const loaded = await peer.load(description);
  if (!loaded.ok) {
    refused(loaded);
    return undefined;
  }
  if (refused(await peer.save())) return undefined;
  let verdict: Entry["verdict"];
  try {
    const isComparable = expected && description.outputs.length > 0;
    verdict = isComparable ? judge(readOutputs(description), expected, tolerance) : undefined;
  } catch (problem) {
    refused({ ok: false, why: "failed", message: `its outputs cannot be read: ${(problem as Error).message}` });
    return undefined;
  }
  return {
    contestant: peerContestant(peer, loaded.firstMs ?? 0),
    ...(loaded.prepareMs !== undefined && { compileMs: loaded.prepareMs }),
    ...(verdict && { verdict }),
    ...(loaded.workarounds && { workarounds: loaded.workarounds }),
  };
}

/** Writes the inputs of a case in place of those of the case before. */
export function writeTensors(folder: string, name: string, task: PeerTask, data: CaseData): CaseDescription {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const file = (kind: string, index: number) => join(folder, `${kind}${index}.f32`);
  const inputs = task.inputs.map(({ name: tensor, shape }, i): TensorFile => {
    const values = data.get(tensor)!;
    writeFileSync(file("input", i), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return { name: tensor, shape, file: file("input", i) };
  });
  const outputs = task.outputs.map(({ name: tensor, shape }, i): TensorFile => ({
    name: tensor,
    shape,
    file: file("output", i),
  }));
  return { name, operation: task.operation, attributes: task.attributes, inputs, outputs };
}

function readOutputs({ outputs }: CaseDescription): ReadonlyMap<string, Float32Array> {
  return new Map(
    outputs.map(({ name, shape, file }) => {
      const bytes = readFileSync(file);
      const wanted = 4 * elementCount(shape);
      if (bytes.byteLength !== wanted) throw new Error(`${name} has ${bytes.byteLength} bytes, not ${wanted}`);
      // Read once: the next case's outputs must not be this one's.
      rmSync(file);
      return [name, new Float32Array(new Uint8Array(bytes).buffer)];
    }),
  );
}
