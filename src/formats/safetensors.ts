/**
 * The safetensors file format: eight bytes with the header's length (little endian), a JSON header, the data.
 *
 * The header maps names to `{dtype, shape, data_offsets: [begin, end]}`, offsets counted from the end of the header,
 * and may hold strings under `__metadata__`. The tensors cover the data without gaps or overlaps. All numbers are
 * little endian, as is every machine with WebGPU.
 */
import {
  requireArray,
  requireBytes,
  requireFunction,
  requireObject,
  requireOneOf,
  requireSizes,
  requireTyped,
} from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { duplicateKey } from "./jsonKeys.ts";

const ARRAYS = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
} as const;

/** The types of the format. */
export type SafeDType = keyof typeof ARRAYS;
/** An array of one of these types. */
export type SafeData = InstanceType<(typeof ARRAYS)[SafeDType]>;

/** A named array. Types that JavaScript lacks are held as their bits: F16 and BF16 in Uint16Array, F8 in Uint8Array. */
export interface SafeTensor {
  readonly name: string;
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  readonly data: SafeData;
}

/** What a safetensors file holds. */
export interface SafeFile {
  /** In the order of the data. */
  readonly tensors: Map<string, SafeTensor>;
  readonly metadata: Record<string, string>;
}

const GIVE_TENSORS = "Give tensors: { name, dtype, shape, data }.";
const GIVE_STREAM = "Give { specs, data }, data a function that yields the arrays one after another.";
const METADATA = "__metadata__";
const MAX_HEADER = 100_000_000;

/** What a file's header says of a tensor. */
export type SafeSpec = Pick<SafeTensor, "name" | "dtype" | "shape">;

/** Tensors whose data come one after another, as a file is written: for files that should not lie in memory whole. */
export interface SafeStream {
  readonly specs: readonly SafeSpec[];
  /** In the order of `specs`. An array is written before the next is asked for. */
  readonly data: () => AsyncIterable<SafeData>;
}

/**
 * The bytes of a safetensors file in pieces: the header, then each tensor's own memory (not copied, so leave it alone
 * until the pieces are written). Tensors with larger elements come first, so that all are aligned; otherwise the order
 * given is kept.
 *
 * @throws VoxtwirlError "bad-shape" when a name is used twice, or shape, dtype and data do not belong together.
 */
export function safetensorsChunks(tensors: readonly SafeTensor[], metadata: Record<string, string> = {}): Uint8Array[] {
  const ordered = [...tensors].sort((a, b) => elementSize(b.dtype) - elementSize(a.dtype));
  for (const tensor of ordered) checkTensor(tensor);
  return [encodeHeader(ordered, metadata), ...ordered.map(({ data }) => bytesOf(data))];
}

/**
 * The same bytes as `safetensorsChunks` gives, of tensors that are made on the way.
 *
 * @throws VoxtwirlError "bad-shape" as there, and when tensors are not in order of their elements' size
 */
export async function* safetensorsStream(
  stream: SafeStream,
  metadata: Record<string, string> = {},
): AsyncGenerator<Uint8Array> {
  requireObject("stream", stream, GIVE_STREAM);
  const { specs } = stream;
  requireArray("specs", specs, GIVE_STREAM);
  requireFunction("data", stream.data, GIVE_STREAM);
  const sizes = specs.map(({ dtype }) => elementSize(dtype));
  const misplaced = specs.find((_, i) => i > 0 && sizes[i]! > sizes[i - 1]!);
  if (misplaced) {
    throw badTensor(misplaced, "smaller elements come before it", "Give tensors with larger elements first.");
  }
  yield encodeHeader(specs, metadata);
  let next = 0;
  for await (const data of stream.data()) {
    const spec = specs[next++];
    if (!spec) throw badTensor(specs.at(-1)!, "more data follow than tensors", "Give as many arrays as tensors.");
    checkTensor({ ...spec, data });
    yield bytesOf(data);
  }
  if (next < specs.length) throw badTensor(specs[next]!, "it has no data", "Give as many arrays as tensors.");
}

function encodeHeader(specs: readonly SafeSpec[], metadata: Record<string, string>): Uint8Array {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
  let offset = 0;
  for (const spec of specs) {
    const { name, dtype, shape } = spec;
    if (name === METADATA || header.has(name)) {
      throw badTensor(spec, "its name is taken", "Give every tensor a name of its own.");
    }
    const begin = offset;
    offset += elementCount(shape) * elementSize(dtype);
    header.set(name, { dtype, shape, data_offsets: [begin, offset] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER) {
    throw new VoxtwirlError(
      "too-large",
      `the header would take ${length} bytes, and safetensors readers accept ${MAX_HEADER}`,
      "Write fewer tensors or less metadata.",
    );
  }
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, 8);
  return head;
}

/** An array's own memory. */
export function bytesOf(data: SafeData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A whole safetensors file in one array. For files of gigabytes use `safetensorsStream`. */
export function encodeSafetensors(tensors: readonly SafeTensor[], metadata: Record<string, string> = {}): Uint8Array {
  requireArray("tensors", tensors, GIVE_TENSORS);
  tensors.forEach((tensor, i) => {
    requireObject(`tensor ${i}`, tensor, GIVE_TENSORS);
    requireOneOf(`the dtype of tensor ${i}`, tensor.dtype, Object.keys(ARRAYS));
    requireSizes(`the shape of tensor ${i}`, tensor.shape);
    requireTyped(`the data of tensor ${i}`, tensor.data);
  });
  const chunks = safetensorsChunks(tensors, metadata);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * Reads a safetensors file. Every rule of the format is checked before any data is touched.
 *
 * The arrays are views on `bytes` where alignment allows and copies otherwise, so no more than the file's own size is
 * allocated for them.
 *
 * @throws VoxtwirlError "bad-file", and nothing else, with `fileName` and the rule that is broken.
 */
export function decodeSafetensors(bytes: Uint8Array, fileName = "the file"): SafeFile {
  requireBytes("bytes", bytes);
  const { metadata, entries, dataStart } = indexSafetensors(bytes, bytes.length, fileName);
  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { name, dtype, shape, data: arrayOf(dtype, bytes, dataStart + begin, dataStart + end) });
  }
  return { tensors, metadata };
}

/** Where a tensor's bytes lie, counted from the end of the header. */
export interface SafeEntry extends SafeSpec {
  readonly begin: number;
  readonly end: number;
}

/** Bytes at the start of a file that hold its header, from its first eight; no more than `total`, the file's size. */
export function safetensorsHeaderBytes(first: Uint8Array, total: number): number {
  if (first.length < 8) return first.length;
  const claimed = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  return claimed > BigInt(MAX_HEADER) ? 8 : Math.min(total, 8 + Number(claimed));
}

/**
 * The tensors of a file of `total` bytes from its header alone, in the order of the data. Every rule of the format is
 * checked.
 *
 * @param bytes from the start of the file, at least the header
 * @throws VoxtwirlError as `decodeSafetensors`
 */
export function indexSafetensors(
  bytes: Uint8Array,
  total: number,
  fileName = "the file",
): { metadata: Record<string, string>; entries: SafeEntry[]; dataStart: number } {
  const fail = (reason: string): never => {
    throw new VoxtwirlError(
      "bad-file",
      `${fileName} is not a valid safetensors file: ${reason}`,
      "The file is damaged, incomplete or of another kind: copy it again, or use an earlier checkpoint.",
    );
  };
  const { header, dataStart } = readHeader(bytes, total, fail);
  const metadata = readMetadata(header, fail);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => readEntry(name, value, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin < end) fail(`tensor ${quote(entry.name)} overlaps the one before it`);
    if (entry.begin > end) fail(`bytes ${end} to ${entry.begin} of the data belong to no tensor`);
    end = entry.end;
  }
  const available = total - dataStart;
  if (end !== available) fail(`its tensors take ${end} bytes, and it holds ${available}`);
  return { metadata, entries, dataStart };
}

/** The tensor of an entry whose bytes were read into memory of their own. */
export function safeTensor({ name, dtype, shape }: SafeEntry, bytes: Uint8Array): SafeTensor {
  return { name, dtype, shape, data: arrayOf(dtype, bytes, 0, bytes.length) };
}

type Fail = (reason: string) => never;

function readHeader(
  bytes: Uint8Array,
  total: number,
  fail: Fail,
): { header: Record<string, unknown>; dataStart: number } {
  if (total < 8) fail(`it has ${total} bytes, and the header's length alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) fail(`its header claims ${length} bytes, more than the ${MAX_HEADER} allowed`);
  const dataStart = 8 + Number(length);
  if (dataStart > total) fail(`its header claims ${length} bytes, and ${total - 8} follow`);
  let text = "";
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
  } catch {
    fail("its header is not JSON in UTF-8");
  }
  if (bytes[8] !== 0x7b || !isObject(header)) return fail("its header is not a JSON object");
  // JSON.parse keeps the last of two values in silence.
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`its header has ${quote(twice)} twice`);
  return { header, dataStart };
}

function readMetadata(header: Record<string, unknown>, fail: Fail): Record<string, string> {
  if (!Object.hasOwn(header, METADATA)) return {};
  const metadata = header[METADATA];
  if (!isObject(metadata)) return fail(`${METADATA} is not an object`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") fail(`${METADATA} entry ${quote(key)} is not a string`);
  }
  return metadata as Record<string, string>;
}

function readEntry(name: string, value: unknown, fail: Fail): SafeEntry {
  const what = `tensor ${quote(name)}`;
  if (!isObject(value)) return fail(`${what} is not described by an object`);
  for (const key of Object.keys(value)) {
    if (!["dtype", "shape", "data_offsets"].includes(key)) fail(`${what} has an unknown field ${quote(key)}`);
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(ARRAYS, dtype)) return fail(`${what} has an unknown dtype`);
  if (!Array.isArray(shape) || !shape.every(isSize)) return fail(`${what} has a shape that is not a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`${what} has data_offsets that are not two byte offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const count = elementCount(shape);
  const size = elementSize(dtype as SafeDType);
  // A product beyond the safe integers is inexact, but still far larger than any file.
  if (end < begin || count * size !== end - begin) {
    fail(`${what} of ${count} elements of ${size} bytes has data_offsets [${begin}, ${end}]`);
  }
  return { name, dtype: dtype as SafeDType, shape, begin, end };
}

function arrayOf(dtype: SafeDType, bytes: Uint8Array, begin: number, end: number): SafeData {
  const start = bytes.byteOffset + begin;
  const size = elementSize(dtype);
  const Type = ARRAYS[dtype] as new (buffer: ArrayBufferLike, offset: number, length: number) => SafeData;
  if (start % size === 0) return new Type(bytes.buffer, start, (end - begin) / size);
  const copy = Uint8Array.from(bytes.subarray(begin, end));
  return new Type(copy.buffer, 0, (end - begin) / size);
}

/** @throws VoxtwirlError "bad-shape" where shape, dtype and data do not belong together */
export function checkTensor(tensor: SafeTensor): void {
  if (!Object.hasOwn(ARRAYS, tensor.dtype) || !(tensor.data instanceof ARRAYS[tensor.dtype])) {
    throw badTensor(tensor, `its data are not ${tensor.dtype}`, "Use the typed array that belongs to the dtype.");
  }
  if (!tensor.shape.every(isSize) || elementCount(tensor.shape) !== tensor.data.length) {
    throw badTensor(tensor, `it holds ${tensor.data.length} values`, "Make the shape's product the number of values.");
  }
}

function badTensor(tensor: SafeSpec, reason: string, fix: string): VoxtwirlError {
  return new VoxtwirlError(
    "bad-shape",
    `cannot write tensor ${quote(tensor.name)} of shape [${tensor.shape.join(", ")}]: ${reason}`,
    fix,
  );
}

/** Bytes of an element. */
export function elementSize(dtype: SafeDType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names come from the file: shown escaped and cut, so that a message stays one readable line. */
function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}...` : name);
}
