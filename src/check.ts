// Checks of what callers give, for those whom no compiler tells: every public function begins with them.
import { VoxtwirlError } from "./errors.ts";

/** What a value is, for an error: "undefined", "a string", "a Promise". */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const tag = tagOf(value);
  const name = tag === "Object" ? ((value as { constructor?: { name: string } }).constructor?.name ?? tag) : tag;
  return name === "Object" ? "an object without numbers" : `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** The name of a built-in class, whatever realm it is of: `instanceof` knows none but this one's. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A value as a message shows it: numbers and short strings themselves, everything else by its kind. */
function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (tagOf(value) === "Object" && Object.getPrototypeOf(value) === Object.prototype) return "a plain object";
  return typeof value === "string" && value.length <= 40 ? JSON.stringify(value) : kindOf(value);
}

function wrong(what: string, value: unknown, fix: string): VoxtwirlError {
  const awaited = typeof (value as { then?: unknown } | null | undefined)?.then === "function";
  return new VoxtwirlError("bad-option", `${what} is ${shown(value)}`, awaited ? `Await it first. ${fix}` : fix);
}

/** @throws VoxtwirlError "bad-option" unless `value` has the method that objects of its class are known by */
export function requireMethod(what: string, value: unknown, method: string | symbol, fix: string): void {
  if (typeof (value as Record<string | symbol, unknown> | null | undefined)?.[method] !== "function") {
    throw wrong(what, value, fix);
  }
}

/** @throws VoxtwirlError "bad-option" unless `for await` takes `value`, which is no text */
export function requireIterable(what: string, value: unknown, fix: string): void {
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: later } = (value ?? {}) as Record<symbol, unknown>;
  if (typeof value === "string" || (typeof sync !== "function" && typeof later !== "function")) {
    throw wrong(what, value, fix);
  }
}

/** @throws VoxtwirlError "bad-option" unless `value` is an object with named fields */
export function requireObject(what: string, value: unknown, fix: string): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw wrong(what, value, fix);
  }
}

/** @throws VoxtwirlError "bad-option" unless `value` is an array */
export function requireArray(what: string, value: unknown, fix: string): asserts value is unknown[] {
  if (!Array.isArray(value)) throw wrong(what, value, fix);
}

/** @throws VoxtwirlError "bad-option" unless `value` is a string */
export function requireString(what: string, value: unknown, fix: string): asserts value is string {
  if (typeof value !== "string") throw wrong(what, value, fix);
}

/** @throws VoxtwirlError "bad-option" unless `value` is a function */
export function requireFunction(what: string, value: unknown, fix: string): void {
  if (typeof value !== "function") throw wrong(what, value, fix);
}

/** @throws VoxtwirlError "bad-option" unless `value` is a whole number from `least` to `most` */
export function requireWhole(
  what: string,
  value: unknown,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw wrong(what, value, `Give a whole number ${range}.`);
}

/**
 * The GPU computes with 32 bits, whose numbers end at 3.4e38.
 *
 * @throws VoxtwirlError "bad-option" unless `value` is above 0 and at most 1e30
 */
export function requirePositive(what: string, value: unknown): asserts value is number {
  if (typeof value === "number" && value > 0 && value <= 1e30) return;
  throw wrong(what, value, "Give a positive number of at most 1e30.");
}

/** @throws VoxtwirlError "bad-option" unless `value` is a number other than NaN and the infinities */
export function requireFinite(what: string, value: unknown): asserts value is number {
  if (!Number.isFinite(value)) throw wrong(what, value, "Give a finite number.");
}

/** @throws VoxtwirlError "bad-option" unless `value` is one of `names` */
export function requireOneOf(what: string, value: unknown, names: readonly string[]): void {
  if (!names.includes(value as string)) {
    throw wrong(what, value, `Give ${names.map((name) => `"${name}"`).join(" or ")}.`);
  }
}

/** @throws VoxtwirlError "bad-option" unless `value` is a Uint8Array, of whatever realm */
export function requireBytes(what: string, value: unknown): asserts value is Uint8Array {
  if (tagOf(value) === "Uint8Array") return;
  const buffer = tagOf(value) === "ArrayBuffer";
  throw wrong(what, value, buffer ? "Give new Uint8Array(it)." : "Give the file's bytes as a Uint8Array.");
}

/** @throws VoxtwirlError "bad-shape" unless `value` is an array of `rank` whole numbers of at least 1 */
export function requireShape(
  what: string,
  value: unknown,
  axes: readonly string[],
): asserts value is readonly number[] {
  if (Array.isArray(value) && value.length === axes.length && value.every((n) => Number.isSafeInteger(n) && n >= 1)) {
    return;
  }
  const found = Array.isArray(value) ? `[${value.map(shown).join(", ")}]` : shown(value);
  throw new VoxtwirlError("bad-shape", `${what} is ${found}`, `Give [${axes.join(", ")}], whole numbers from 1.`);
}

/** @throws VoxtwirlError "bad-option" unless `value` is a Gpu */
export function requireGpu(value: unknown): void {
  const fix = "Give a Gpu: await Gpu.open(adapter), Gpu.fromDevice(device), or openGpu() of voxtwirl/node.";
  requireMethod("gpu", value, "upload", fix);
}

/** @throws VoxtwirlError "bad-option" unless `value` is a Graph, or another KernelContext */
export function requireGraph(what: string, value: unknown): void {
  requireMethod(what, value, "dispatch", "Give a graph: new Graph(gpu.caps).");
}

/** @throws VoxtwirlError "bad-option" unless `value` is a Random, or has its methods */
export function requireRandom(value: unknown): void {
  requireMethod("random", value, "normal", "Give a Random: new Random(seed).");
}

/** @throws VoxtwirlError "bad-option" unless `value` is a tensor */
export function requireTensor(what: string, value: unknown): void {
  const { id, shape } = (value ?? {}) as { id?: unknown; shape?: unknown };
  if (typeof id === "number" && Array.isArray(shape)) return;
  throw wrong(what, value, "Give a tensor: graph.external, graph.scratch, or what an operation returns.");
}

/**
 * What kernels and operations are called with: a graph, and an object that has tensors, numbers and others under these
 * names, with a space between two.
 *
 * @throws VoxtwirlError "bad-option" unless graph, object, tensors and finite numbers are there
 */
export function requireArgs(
  name: string,
  graph: unknown,
  args: object,
  tensors: string,
  numbers = "",
  others = "",
): void {
  const named = (list: string) => list.match(/\w+/g) ?? [];
  requireGraph(`${name}: graph`, graph);
  requireObject(`${name}: options`, args, `Give { ${named(`label ${tensors} ${numbers} ${others}`).join(", ")} }.`);
  const given = args as Readonly<Record<string, unknown>>;
  const label = typeof given.label === "string" ? given.label : name;
  for (const key of named(tensors)) requireTensor(`${label}: ${key}`, given[key]);
  for (const key of named(numbers)) requireFinite(`${label}: ${key}`, given[key]);
}

/** @throws VoxtwirlError "bad-option" unless `value` is an array of numbers with a type */
export function requireTyped(what: string, value: unknown): void {
  if (!ArrayBuffer.isView(value)) throw wrong(what, value, "Give a typed array, such as a Float32Array.");
}

/** @throws VoxtwirlError "bad-option" unless `value` is a range of a GPU buffer */
export function requireView(what: string, value: unknown): void {
  const { buffer, offset, size } = (value ?? {}) as { buffer?: unknown; offset?: unknown; size?: unknown };
  const made = typeof buffer === "object" && buffer !== null && !ArrayBuffer.isView(value);
  if (made && typeof offset === "number" && typeof size === "number") return;
  throw wrong(what, value, "Give { buffer, offset, size } in bytes.");
}

/** @throws VoxtwirlError "bad-option" unless `value` is an array of whatever kind */
export function requireNumbers(what: string, value: unknown): void {
  const { length } = (value ?? {}) as { length?: unknown };
  if (typeof value !== "object" || typeof length !== "number") throw wrong(what, value, "Give an array of numbers.");
}

/** @throws VoxtwirlError "bad-shape" unless `value` is an array */
export function requireSizes(what: string, value: unknown): void {
  if (Array.isArray(value)) return;
  throw new VoxtwirlError("bad-shape", `${what} is ${shown(value)}`, "Give an array of sizes: [N, D, H, W, C].");
}
