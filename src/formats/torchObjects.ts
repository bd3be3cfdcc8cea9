/** What a PyTorch file's pickle may name: tensors, their storages, and dictionaries. Everything else is refused. */
import { requireObject } from "../check.ts";
import type { Fail } from "./npyHeader.ts";
import { PickleObject, PickleTuple, type PickleHost, type PickleValue } from "./pickle.ts";
import { elementSize, type SafeDType } from "./safetensors.ts";

/** Where a tensor's numbers are kept; several tensors may share one. */
export interface TorchStorage {
  /** Its file in the archive. */
  readonly key: string;
  readonly bytes: number;
}

/** A tensor of a PyTorch file: a view of a storage, whose numbers are not read yet. */
export class TorchTensor extends PickleObject {
  readonly called = "torch.Tensor";
  readonly dtype: SafeDType;
  readonly shape: readonly number[];
  /** In elements, as `offset`. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TorchStorage;

  constructor(args: Pick<TorchTensor, "dtype" | "shape" | "strides" | "offset" | "storage">) {
    super();
    requireObject("a tensor", args, "Give { dtype, shape, strides, offset, storage }.");
    this.dtype = args.dtype;
    this.shape = args.shape;
    this.strides = args.strides;
    this.offset = args.offset;
    this.storage = args.storage;
  }
}

/** A function or class that is known; of a type of numbers also which. */
class Known extends PickleObject {
  readonly called: string;
  readonly dtype: SafeDType | undefined;

  constructor(called: string, dtype?: SafeDType) {
    super();
    this.called = called;
    this.dtype = dtype;
  }
}

class Storage extends PickleObject implements TorchStorage {
  readonly called = "a storage";
  readonly key: string;
  readonly bytes: number;
  /** Undefined where it is one of bytes, and tensors say what they are. */
  readonly dtype: SafeDType | undefined;

  constructor(key: string, bytes: number, dtype: SafeDType | undefined) {
    super();
    this.key = key;
    this.bytes = bytes;
    this.dtype = dtype;
  }
}

/** The classes of storages, and the types of numbers that are named as such. */
export const STORAGES = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
} as const satisfies Partial<Record<SafeDType, string>>;

const dtypes: readonly (readonly [string, SafeDType])[] = [
  ["float64", "F64"],
  ["float32", "F32"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["int64", "I64"],
  ["int32", "I32"],
  ["int16", "I16"],
  ["int8", "I8"],
  ["uint64", "U64"],
  ["uint32", "U32"],
  ["uint16", "U16"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e5m2", "F8_E5M2"],
];

const known = new Map<string, Known>(
  [
    new Known("collections.OrderedDict"),
    new Known("torch.Size"),
    new Known("torch._utils._rebuild_tensor_v2"),
    new Known("torch._utils._rebuild_tensor_v3"),
    new Known("torch._utils._rebuild_parameter"),
    new Known("torch.storage.UntypedStorage"),
    ...Object.entries(STORAGES).map(([dtype, name]) => new Known(`torch.${name}`, dtype as SafeDType)),
    ...dtypes.map(([name, dtype]) => new Known(`torch.${name}`, dtype)),
  ].map((one) => [one.called, one]),
);

/** PyTorch's own tensors have no more. */
const mostAxes = 64;
const damaged = "Copy or download the file again: it may be damaged.";

/** What to do about a file that holds more than tensors. */
export const SAVE_WEIGHTS =
  "Save the weights alone, if you trust the file, as loading it runs what it names. In Python: import torch; from " +
  'safetensors.torch import save_file; c = torch.load("FILE", map_location="cpu"); ' +
  'save_file({k: v.contiguous() for k, v in c["state_dict_ema"].items()}, "model.safetensors").';

/** The host of a PyTorch file's pickle. */
export class TorchHost implements PickleHost {
  readonly #fail: Fail;

  constructor(fail: Fail) {
    this.#fail = fail;
  }

  global(name: string): PickleObject {
    return known.get(name) ?? this.#fail(`it names ${short(name)}, which is no tensor`, SAVE_WEIGHTS);
  }

  call(callee: PickleObject, args: readonly PickleValue[]): PickleValue {
    switch (callee.called) {
      case "collections.OrderedDict":
        return this.#dictionary(args);
      case "torch.Size":
        return args[0] instanceof PickleTuple ? args[0] : this.#wrong("a size");
      case "torch._utils._rebuild_parameter":
        return args[0] instanceof TorchTensor ? args[0] : this.#wrong("a parameter");
      case "torch._utils._rebuild_tensor_v2":
        return this.#tensor(args, undefined);
      case "torch._utils._rebuild_tensor_v3":
        return this.#tensor(args, args[6] instanceof Known ? args[6].dtype : this.#wrong("a tensor's type"));
      default:
        return this.#fail(`it calls ${short(callee.called)}, which makes no tensor`, SAVE_WEIGHTS);
    }
  }

  /** ("storage", its class, key, device, elements). */
  persistent(id: PickleValue): PickleValue {
    const [what, type, key, , count] = id instanceof PickleTuple ? id.items : [];
    const ofBytes = type instanceof Known && type.called === "torch.storage.UntypedStorage";
    const dtype = type instanceof Known ? type.dtype : undefined;
    if (what !== "storage" || typeof key !== "string" || !isSize(count) || (dtype === undefined && !ofBytes)) {
      return this.#wrong("a storage");
    }
    return new Storage(key, count * (dtype === undefined ? 1 : elementSize(dtype)), dtype);
  }

  /** Dictionaries of a module's state have attributes, such as its version, which are not needed. */
  build(object: PickleValue, state: PickleValue): void {
    if (!(object instanceof Map) || !(state instanceof Map)) this.#wrong("what has attributes");
  }

  #dictionary([pairs = []]: readonly PickleValue[]): PickleValue {
    if (!Array.isArray(pairs)) return this.#wrong("a dictionary");
    return new Map(
      pairs.map((pair): [PickleValue, PickleValue] => {
        const items = pair instanceof PickleTuple ? pair.items : Array.isArray(pair) ? pair : [];
        return items.length === 2 ? [items[0]!, items[1]!] : this.#wrong("an entry of a dictionary");
      }),
    );
  }

  /** (storage, offset, size, strides, ...). */
  #tensor([storage, offset, size, stride]: readonly PickleValue[], given: SafeDType | undefined): TorchTensor {
    const dtype = given ?? (storage instanceof Storage ? storage.dtype : undefined);
    const shape = sizes(size);
    const strides = sizes(stride);
    if (!(storage instanceof Storage) || !dtype || !isSize(offset) || !shape || shape.length !== strides?.length) {
      return this.#wrong("a tensor");
    }
    const held = storage.bytes / elementSize(dtype);
    const count = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, 1);
    const last = count === 0 ? 0 : shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, offset + 1);
    const what = `a tensor of shape [${shape.slice(0, 8).join(", ")}]`;
    if (last > held) return this.#fail(`${what} goes beyond its storage of ${held} numbers`, damaged);
    if (count > held) {
      const fix = "Save it as tensor.clone(), which keeps each of its numbers.";
      return this.#fail(`${what} repeats the ${held} numbers of its storage`, fix);
    }
    return new TorchTensor({ dtype, shape, strides, offset, storage });
  }

  #wrong(what: string): never {
    return this.#fail(`${what} in it is not as PyTorch writes it`, damaged);
  }
}

function sizes(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof PickleTuple) || value.items.length > mostAxes || !value.items.every(isSize)) return undefined;
  return value.items as number[];
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Names come from the file: escaped and cut, so that a message stays one readable line. */
function short(name: string): string {
  const shown = name.length > 80 ? `${name.slice(0, 80)}...` : name;
  return /^[\w.]+$/.test(shown) ? shown : JSON.stringify(shown);
}
