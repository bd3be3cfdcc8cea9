/**
 * PyTorch's files, as `torch.save` has written them since 1.6: a zip archive with a pickle, `data.pkl`, that names
 * tensors, and the numbers of each storage in a file of its own. Nothing that the pickle names is run.
 */
import { requireBytes, requireMethod } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { sourceOf, type ByteSource } from "./byteSource.ts";
import { inflateRaw } from "./inflate.ts";
import type { Fail } from "./npyHeader.ts";
import { decodePickle, type PickleValue } from "./pickle.ts";
import { elementSize, safeTensor, type SafeData, type SafeTensor } from "./safetensors.ts";
import { TorchHost, type TorchTensor } from "./torchObjects.ts";
import { unzip, zipEntries, type ZipEntry } from "./zip.ts";

/** A PyTorch file whose tensors are read when they are asked for. */
export interface TorchFile {
  /** What was saved: dict as Map, tensors as `TorchTensor`. */
  readonly root: PickleValue;
  /** A tensor's numbers, in the order of its axes, whatever its strides. */
  read(tensor: TorchTensor, name: string): Promise<SafeTensor>;
}

/** Names and places of a hundred thousand tensors take less. */
const mostPickle = 2 ** 25;
const TO_ZIP = 'In Python: import torch; torch.save(torch.load("FILE", map_location="cpu"), "FILE").';
/** The number that files of before PyTorch 1.6 begin with, as a pickle of protocol 2. */
const legacy = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** So many bytes from the start tell whether a file is one. */
export const TORCH_BYTES = 512;

/** Whether bytes begin as `torch.save` writes them, in the old format too. */
export function isTorch(bytes: Uint8Array): boolean {
  if (isLegacy(bytes)) return true;
  const name = bytes.subarray(30, Math.min(TORCH_BYTES, 30 + bytes[26]! + 256 * bytes[27]!));
  const first = String.fromCharCode(...bytes.subarray(0, 4), ...name);
  return first.startsWith("PK\x03\x04") && first.endsWith("/data.pkl");
}

function isLegacy(bytes: Uint8Array): boolean {
  return legacy.every((byte, i) => bytes[i] === byte);
}

/** @throws VoxtwirlError as `openTorch` */
export async function decodeTorch(bytes: Uint8Array, fileName = "the file"): Promise<TorchFile> {
  requireBytes("bytes", bytes);
  return openTorch(sourceOf(bytes), fileName);
}

/**
 * Opens a PyTorch file. Only its directory and its pickle are read, and later the storages that tensors are in.
 *
 * @throws VoxtwirlError "bad-file", here and from `read`, with `fileName`: where the bytes are no such file, are
 *   damaged, are of a big-endian machine, or name anything but tensors and plain data
 */
export async function openTorch(source: ByteSource, fileName = "the file"): Promise<TorchFile> {
  requireMethod("source", source, "read", "Give { size, read(start, length) }.");
  const fail: Fail = (reason, fix = "Give a file that torch.save wrote.") => {
    throw new VoxtwirlError("bad-file", `${fileName} is not a PyTorch file that can be read: ${reason}`, fix);
  };
  const first = await source.read(0, legacy.length);
  if (isLegacy(first)) {
    fail("torch.save wrote it in its old format, from before version 1.6", TO_ZIP);
  }
  const entries = await zipEntries(source, fail);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const pickle = entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) return fail("the archive has no data.pkl");
  const folder = pickle.name.slice(0, -"data.pkl".length);
  const order = byName.get(`${folder}byteorder`);
  if (order !== undefined && order.size <= 16) {
    const text = new TextDecoder().decode(await unzip(source, order, inflateRaw, fail));
    if (text.trim() !== "little") {
      fail(`its numbers are ${JSON.stringify(text)}-endian`, "Save it as safetensors on the machine that wrote it.");
    }
  }
  if (pickle.size > mostPickle) {
    fail(`its data.pkl holds ${pickle.size} bytes, more than ${mostPickle}`, "Save only the weights.");
  }
  const root = decodePickle(await unzip(source, pickle, inflateRaw, fail), new TorchHost(fail), fail);
  return { root, read: new Storages(source, byName, `${folder}data/`, fail).read };
}

/** The storages of a file; the last is kept, as tensors that share one come one after another. */
class Storages {
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #folder: string;
  readonly #fail: Fail;
  #last: { key: string; bytes: Uint8Array } | undefined;

  constructor(source: ByteSource, entries: ReadonlyMap<string, ZipEntry>, folder: string, fail: Fail) {
    this.#source = source;
    this.#entries = entries;
    this.#folder = folder;
    this.#fail = fail;
  }

  readonly read = async (tensor: TorchTensor, name: string): Promise<SafeTensor> => {
    const { dtype, shape, storage } = tensor;
    const fail: Fail = (reason, fix) => this.#fail(`${JSON.stringify(name.slice(0, 80))}: ${reason}`, fix);
    if (this.#last?.key !== storage.key) {
      this.#last = undefined;
      this.#last = { key: storage.key, bytes: await this.#bytes(tensor, fail) };
    }
    const { bytes } = this.#last;
    if (bytes.length !== storage.bytes) fail(`its storage has ${bytes.length} bytes, not ${storage.bytes}`);
    const whole = bytes.subarray(0, bytes.length - (bytes.length % elementSize(dtype)));
    const { data } = safeTensor({ name, dtype, shape, begin: 0, end: whole.length }, whole);
    return { name, dtype, shape, data: viewed(data, tensor) };
  };

  async #bytes({ storage }: TorchTensor, fail: Fail): Promise<Uint8Array> {
    const entry = this.#entries.get(`${this.#folder}${storage.key}`);
    if (entry === undefined) return fail(`the archive has no storage ${JSON.stringify(storage.key.slice(0, 80))}`);
    if (entry.size !== storage.bytes) {
      return fail(`its storage has ${entry.size} bytes, not ${storage.bytes}`, "Copy the file again.");
    }
    return unzip(this.#source, entry, inflateRaw, fail);
  }
}

/** A tensor's numbers from its storage's: a part of these where they lie in order, else a copy. */
function viewed(data: SafeData, { shape, strides, offset }: TorchTensor): SafeData {
  const count = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
  let dense = 1;
  let inOrder = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== dense) inOrder = false;
    dense *= shape[axis]!;
  }
  if (count === 0 || inOrder) return data.subarray(offset, offset + count);
  const copy = data.slice(0, count);
  const index = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    copy[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return copy;
}
