/** safetensors files: read whole, in parts, and written piece by piece. */
import { requireObject, requireString } from "../check.ts";
import {
  decodeSafetensors,
  indexSafetensors,
  safeTensor,
  safetensorsChunks,
  safetensorsHeaderBytes,
  safetensorsStream,
  type SafeEntry,
  type SafeFile,
  type SafeStream,
  type SafeTensor,
} from "../formats/safetensors.ts";
import { readBytes, withFile } from "../node/files.ts";

/** A safetensors file whose tensors are read when they are asked for. */
export interface SafeSource {
  readonly metadata: Record<string, string>;
  /** What the header says of a tensor; undefined where there is none of this name. */
  find(name: string): SafeEntry | undefined;
  /** Reads one tensor. */
  read(name: string): Promise<SafeTensor>;
}

/** Opens a safetensors file to read parts of it. */
export async function withSafetensors<T>(path: string, use: (source: SafeSource) => Promise<T> | T): Promise<T> {
  return withFile(path, async ({ size, read }) => {
    const head = await read(0, safetensorsHeaderBytes(await read(0, 8), size));
    const { metadata, entries, dataStart } = indexSafetensors(head, size, path);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return use({
      metadata,
      find: (name) => byName.get(name),
      read: async (name) => {
        const entry = byName.get(name)!;
        return safeTensor(entry, await read(dataStart + entry.begin, entry.end - entry.begin));
      },
    });
  });
}

/** Reads a safetensors file as a whole. */
export async function readSafetensors(path: string): Promise<SafeFile> {
  requireString("path", path, "Give the path of a safetensors file.");
  return decodeSafetensors(await readBytes(path), path);
}

/** The bytes of a file of these tensors, in pieces. */
export function safetensorsPieces(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string>) {
  if (Array.isArray(tensors)) return safetensorsChunks(tensors as readonly SafeTensor[], metadata);
  requireObject("tensors", tensors, "Give an array of tensors, or { specs, data }.");
  return safetensorsStream(tensors as SafeStream, metadata);
}
