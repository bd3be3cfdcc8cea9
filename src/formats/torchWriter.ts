import { requireArray, requireFunction, requireObject, requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { PickleWriter, type PlainValue } from "./pickleWriter.ts";
import { bytesOf, checkTensor, elementCount, type SafeSpec, type SafeStream } from "./safetensors.ts";
import { STORAGES } from "./torchObjects.ts";
import { zipStream, type ZipPart } from "./zipWriter.ts";

/** What is saved beside the tensors. */
export interface TorchContents {
  /** Under which name the dictionary of tensors stands: "state_dict". */
  readonly key: string;
  /** Other values of the file, by their names. */
  readonly others?: Readonly<Record<string, PlainValue>>;
}

const folder = "archive";
const GIVE = "Give { specs, data }, data a function that yields the arrays one after another.";

/**
 * The bytes of a file as `torch.save` writes it, of a dictionary that has an OrderedDict of tensors under `key`:
 * `torch.load(file)[key]`. Tensors are written one after another as `stream` gives them, each in a storage of its own.
 *
 * @throws VoxtwirlError "bad-shape" as `safetensorsStream`, "unsupported" for a type of numbers that has no storage
 */
export async function* torchStream(
  stream: SafeStream,
  contents: TorchContents,
): AsyncGenerator<Uint8Array, void, undefined> {
  requireObject("stream", stream, GIVE);
  requireArray("specs", stream.specs, GIVE);
  requireFunction("data", stream.data, GIVE);
  requireObject("contents", contents, 'Give { key: "state_dict" }.');
  requireString("key", contents.key, 'Give the name of the dictionary: "state_dict".');
  yield* zipStream(parts(stream, contents.key, contents.others ?? {}));
}

async function* parts(
  { specs, data }: SafeStream,
  key: string,
  others: Readonly<Record<string, PlainValue>>,
): AsyncGenerator<ZipPart, void, undefined> {
  const text = (value: string) => [new TextEncoder().encode(value)];
  yield { name: `${folder}/data.pkl`, pieces: [pickleOf(specs, key, others)] };
  yield { name: `${folder}/byteorder`, pieces: text("little") };
  let next = 0;
  for await (const values of data()) {
    const spec = specs[next];
    if (!spec) throw new VoxtwirlError("bad-shape", "more data follow than tensors", "Give as many arrays as tensors.");
    checkTensor({ ...spec, data: values });
    yield { name: `${folder}/data/${next++}`, pieces: [bytesOf(values)] };
  }
  if (next < specs.length) {
    const message = `tensor ${JSON.stringify(specs[next]!.name)} has no data`;
    throw new VoxtwirlError("bad-shape", message, "Give as many arrays as tensors.");
  }
  yield { name: `${folder}/version`, pieces: text("3\n") };
}

function pickleOf(specs: readonly SafeSpec[], key: string, others: Readonly<Record<string, PlainValue>>): Uint8Array {
  const pickle = new PickleWriter();
  const tensors = specs.map((spec, i) => [spec.name, () => writeTensor(pickle, spec, String(i))] as const);
  const plain = Object.entries(others).map(([name, value]) => [name, () => pickle.value(value)] as const);
  return pickle.dictionary([...plain, [key, () => pickle.orderedDictionary(tensors)]]).finish();
}

function writeTensor(pickle: PickleWriter, { name, dtype, shape }: SafeSpec, key: string): void {
  const storage = (STORAGES as Partial<Record<string, string>>)[dtype];
  if (storage === undefined) {
    const message = `tensor ${JSON.stringify(name)} is ${dtype}, for which PyTorch has no storage`;
    throw new VoxtwirlError("unsupported", message, "Convert it to another type of numbers.");
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = (values: readonly number[]) => pickle.tuple(() => values.forEach((value) => pickle.value(value)));
  pickle.call("torch._utils", "_rebuild_tensor_v2", () => {
    pickle.persistent(() => {
      pickle.value("storage").global("torch", storage).value(key).value("cpu").value(elementCount(shape));
    });
    pickle.value(0);
    sizes(shape);
    sizes(strides);
    pickle.value(false).orderedDictionary([]);
  });
}
