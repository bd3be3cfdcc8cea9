/** The types of numbers that NumPy writes, and their bytes as JavaScript's numbers. */
import { decodeHalf } from "../gpu/half.ts";
import { quote, type Fail } from "./npyHeader.ts";

export type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

export interface NumberType {
  /** Of one number. */
  readonly bytes: number;
  /** The numbers in `bytes`: a view where type, byte order and alignment allow, else a copy. */
  decode(bytes: Uint8Array): Numbers;
}

const ARRAYS = {
  f2: Uint16Array,
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  b1: Uint8Array,
} as const;

/** Other names that NumPy takes. */
const NAMES: Record<string, string> = {
  ...{ e: "f2", f: "f4", d: "f8", half: "f2", single: "f4", double: "f8", float16: "f2", float32: "f4", float64: "f8" },
  ...{ b: "i1", h: "i2", i: "i4", q: "i8", int8: "i1", int16: "i2", int32: "i4", int64: "i8" },
  ...{ B: "u1", H: "u2", I: "u4", Q: "u8", uint8: "u1", uint16: "u2", uint32: "u4", uint64: "u8" },
  ...{ "?": "b1", bool: "b1" },
};

/** What cannot be read, by the letter before its size. */
const OTHERS: Record<string, [what: string, fix?: string]> = {
  f: ["long doubles", "Write it again with numpy.save(file, array.astype('<f8'))."],
  g: ["long doubles", "Write it again with numpy.save(file, array.astype('<f8'))."],
  c: ["complex", "Save its real part, or real and imaginary parts along one more axis."],
  O: ["Python objects", "Make one array of numbers of it: numpy.save(file, numpy.stack(list(array)).astype('<f4'))."],
  V: ["of no type of NumPy's, as bfloat16 is saved"],
  S: ["texts"],
  U: ["texts"],
  M: ["dates"],
  m: ["times"],
};

/** @throws what `fail` throws for a type that does not stand for real numbers */
export function numberType(descr: string, fail: Fail): NumberType {
  const [, order, name] = /^([<>=|]?)(.*)$/s.exec(descr)!;
  const key = Object.hasOwn(NAMES, name!) ? NAMES[name!]! : name!;
  if (!Object.hasOwn(ARRAYS, key)) {
    const kind = /^([fgcOVSUMm])\d*(?:\[\w+\])?$/.exec(key)?.[1];
    const [what, fix] = kind === undefined ? ["of a type that is not known"] : OTHERS[kind]!;
    return fail(`its numbers are ${quote(descr)}, ${what}`, fix);
  }
  const code = key as keyof typeof ARRAYS;
  const Type = ARRAYS[code];
  const size = Type.BYTES_PER_ELEMENT;
  return {
    bytes: size,
    decode(given) {
      const swapped = order === ">" && size > 1;
      const bytes = swapped || given.byteOffset % size !== 0 ? Uint8Array.from(given) : given;
      if (swapped) swapBytes(bytes, size);
      const values = new Type(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / size);
      if (values instanceof Float32Array || values instanceof Float64Array) return values;
      if (code === "f2") return decodeHalf(values as Uint16Array, values.length);
      const numbers = new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) numbers[i] = Number(values[i]);
      return numbers;
    },
  };
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) {
    for (let low = start, high = start + size - 1; low < high; low++, high--) {
      const byte = bytes[low]!;
      bytes[low] = bytes[high]!;
      bytes[high] = byte;
    }
  }
}
