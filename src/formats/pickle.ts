/**
 * Python's pickles of plain data, read without running anything: protocols 2 to 5, as far as they hold dictionaries,
 * lists, tuples, sets, texts, bytes, numbers, booleans and None. What a pickle calls by name goes to a `PickleHost`,
 * which knows those that are harmless and refuses all others.
 *
 * The opcodes are those that Python's pickletools lists. Nothing here recurses, so that depth costs no stack, and what
 * is made is counted, so that a small file cannot fill the memory.
 */
import type { Fail } from "./npyHeader.ts";
import { PickleBytes } from "./pickleBytes.ts";

/** A tuple, which is told from a list. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** What a host made of a name, a call or a persistent id. */
export abstract class PickleObject {
  /** What it is called in Python, for messages. */
  abstract readonly called: string;
}

/** A value of a pickle: dict as Map, None as null, set as Set, long integers as bigint where a number is inexact. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleObject
  | PickleValue[]
  | Set<PickleValue>
  | Map<PickleValue, PickleValue>;

/** What names, calls and persistent ids in a pickle stand for. Each throws for what it does not know. */
export interface PickleHost {
  /** A class or function by its name, such as "collections.OrderedDict". */
  global(name: string): PickleObject;
  call(callee: PickleObject, args: readonly PickleValue[]): PickleValue;
  persistent(id: PickleValue): PickleValue;
  /** Attributes that an object is given. */
  build(object: PickleValue, state: PickleValue): void;
}

/** Most values that hold others and most that are remembered, together. */
const mostValues = 2 ** 21;
const noValues = new PickleTuple([]);
const damaged = "Copy or download the file again: it may be damaged.";
const mark = Symbol("mark");

/** @throws what `fail` throws where the bytes are no pickle of this kind, and what the host throws */
export function decodePickle(bytes: Uint8Array, host: PickleHost, fail: Fail): PickleValue {
  return new Machine(bytes, host, fail).run();
}

class Machine {
  readonly #bytes: PickleBytes;
  readonly #host: PickleHost;
  readonly #fail: Fail;
  readonly #stack: (PickleValue | typeof mark)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #values = 0;

  constructor(bytes: Uint8Array, host: PickleHost, fail: Fail) {
    this.#bytes = new PickleBytes(bytes, fail);
    this.#host = host;
    this.#fail = fail;
  }

  run(): PickleValue {
    for (;;) {
      const code = this.#bytes.u8();
      if (code === 0x2e) break; // STOP
      const run = opcodes[code];
      if (run === undefined) this.#damaged(`opcode 0x${code.toString(16)}`);
      else run(this);
    }
    const value = this.pop();
    if (this.#stack.length > 0) this.#damaged(`${this.#stack.length} values too many`);
    return value;
  }

  get bytes(): PickleBytes {
    return this.#bytes;
  }

  get host(): PickleHost {
    return this.#host;
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Of a value that holds others, or is made by the host. */
  pushCounted(value: PickleValue): void {
    this.#count();
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(mark);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    return value === undefined || value === mark ? this.#damaged("a value is missing") : value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    return value === undefined || value === mark ? this.#damaged("a value is missing") : value;
  }

  /** The values since the last mark, which go with it. */
  popMarked(): PickleValue[] {
    const at = this.#stack.lastIndexOf(mark);
    if (at < 0) return this.#damaged("a mark is missing");
    const values = this.#stack.splice(at) as PickleValue[];
    values.shift();
    return values;
  }

  /** Takes away the last value, or the last mark. */
  drop(): void {
    if (this.#stack.pop() === undefined) this.#damaged("a value is missing");
  }

  remember(key: number): void {
    if (!this.#memo.has(key)) this.#count();
    this.#memo.set(key, this.top());
  }

  get remembered(): number {
    return this.#memo.size;
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    this.push(value === undefined ? this.#damaged(`value ${key} is not there`) : value);
  }

  tuple(items: readonly PickleValue[]): void {
    if (items.length === 0) this.push(noValues);
    else this.pushCounted(new PickleTuple(items));
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.#damaged("something is added to what is no list");
    else for (const value of values) list.push(value);
  }

  setItems(values: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || values.length % 2 !== 0) return this.#damaged("an entry of no dictionary");
    for (let i = 0; i < values.length; i += 2) dict.set(values[i]!, values[i + 1]!);
  }

  addItems(values: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set)) this.#damaged("something is added to what is no set");
    else for (const value of values) set.add(value);
  }

  stackGlobal(): void {
    const [name, module] = [this.pop(), this.pop()];
    if (typeof name !== "string" || typeof module !== "string") return this.#damaged("a name is no text");
    this.pushCounted(this.#host.global(`${module}.${name}`));
  }

  call(): void {
    const [args, callee] = [this.pop(), this.pop()];
    if (!(args instanceof PickleTuple) || !(callee instanceof PickleObject)) return this.#damaged("a call of nothing");
    this.pushCounted(this.#host.call(callee, args.items));
  }

  build(): void {
    const state = this.pop();
    this.#host.build(this.top(), state);
  }

  /** Refuses an opcode that makes objects in ways that tensors do not need. */
  refuse(what: string): never {
    return this.#fail(`it ${what}, which is not read`, damaged);
  }

  #count(): void {
    if (++this.#values > mostValues) {
      this.#fail(`it holds more than ${mostValues} values`, "Save only the weights: their names and tensors.");
    }
  }

  #damaged(what: string): never {
    return this.#fail(`its pickle is damaged at byte ${this.#bytes.at}: ${what}`, damaged);
  }
}

/** What each opcode does; the numbers are ASCII, named in pickletools. */
const opcodes: Readonly<Record<number, (m: Machine) => void>> = {
  0x80: (m) => m.bytes.protocol(),
  0x95: (m) => m.bytes.skipFrame(),
  // Values.
  0x4e: (m) => m.push(null),
  0x88: (m) => m.push(true),
  0x89: (m) => m.push(false),
  0x4b: (m) => m.push(m.bytes.u8()),
  0x4d: (m) => m.push(m.bytes.u16()),
  0x4a: (m) => m.push(m.bytes.i32()),
  0x8a: (m) => m.push(m.bytes.long(m.bytes.u8())),
  0x8b: (m) => m.push(m.bytes.long(m.bytes.i32())),
  0x47: (m) => m.push(m.bytes.f64()),
  0x58: (m) => m.push(m.bytes.text(m.bytes.u32())),
  0x8c: (m) => m.push(m.bytes.text(m.bytes.u8())),
  0x8d: (m) => m.push(m.bytes.text(m.bytes.u64())),
  0x42: (m) => m.pushCounted(m.bytes.take(m.bytes.u32())),
  0x43: (m) => m.pushCounted(m.bytes.take(m.bytes.u8())),
  0x8e: (m) => m.pushCounted(m.bytes.take(m.bytes.u64())),
  0x96: (m) => m.pushCounted(m.bytes.take(m.bytes.u64())),
  0x54: (m) => m.pushCounted(m.bytes.take(m.bytes.u32())),
  0x55: (m) => m.pushCounted(m.bytes.take(m.bytes.u8())),
  // What holds others.
  0x28: (m) => m.mark(),
  0x29: (m) => m.tuple([]),
  0x74: (m) => m.tuple(m.popMarked()),
  0x85: (m) => m.tuple([m.pop()]),
  0x86: (m) => m.tuple([m.pop(), m.pop()].reverse()),
  0x87: (m) => m.tuple([m.pop(), m.pop(), m.pop()].reverse()),
  0x5d: (m) => m.pushCounted([]),
  0x6c: (m) => m.pushCounted(m.popMarked()),
  0x61: (m) => m.append([m.pop()]),
  0x65: (m) => m.append(m.popMarked()),
  0x7d: (m) => m.pushCounted(new Map()),
  0x73: (m) => m.setItems([m.pop(), m.pop()].reverse()),
  0x75: (m) => m.setItems(m.popMarked()),
  0x8f: (m) => m.pushCounted(new Set()),
  0x90: (m) => m.addItems(m.popMarked()),
  0x91: (m) => m.pushCounted(new Set(m.popMarked())),
  // The stack and the memo.
  0x30: (m) => m.drop(),
  0x31: (m) => void m.popMarked(),
  0x32: (m) => m.push(m.top()),
  0x71: (m) => m.remember(m.bytes.u8()),
  0x72: (m) => m.remember(m.bytes.u32()),
  0x94: (m) => m.remember(m.remembered),
  0x68: (m) => m.recall(m.bytes.u8()),
  0x6a: (m) => m.recall(m.bytes.u32()),
  // Names and calls.
  0x63: (m) => m.pushCounted(m.host.global(`${m.bytes.line()}.${m.bytes.line()}`)),
  0x93: (m) => m.stackGlobal(),
  0x51: (m) => m.pushCounted(m.host.persistent(m.pop())),
  0x52: (m) => m.call(),
  0x62: (m) => m.build(),
  0x81: (m) => m.refuse("makes an object of a class"),
  0x92: (m) => m.refuse("makes an object of a class"),
  0x82: (m) => m.refuse("uses a registered extension"),
  0x83: (m) => m.refuse("uses a registered extension"),
  0x84: (m) => m.refuse("uses a registered extension"),
  0x97: (m) => m.refuse("keeps data outside its pickle"),
  0x98: (m) => m.refuse("keeps data outside its pickle"),
};
