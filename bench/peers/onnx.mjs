// Writes ONNX models: the few messages of onnx.proto that a graph of float tensors needs, in protobuf's wire format.

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** Element types of TensorProto. */
export const FLOAT = 1;
export const INT64 = 7;

/** Types of AttributeProto. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 };

/** Collects the fields of one message. */
export class Message {
  #parts = [];
  #size = 0;

  /** An integer of at least 0, or below it as the 64-bit complement. */
  int(field, value) {
    return this.#tag(field, VARINT).#push(varint(value));
  }

  float(field, value) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, FIXED32).#push(bytes);
  }

  bytes(field, value) {
    return this.#tag(field, LENGTH).#push(varint(value.byteLength)).#push(value);
  }

  string(field, value) {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field, value) {
    this.#tag(field, LENGTH).#push(varint(value.#size));
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  finish() {
    const out = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.byteLength;
    }
    return out;
  }

  #tag(field, type) {
    return this.#push(varint(field * 8 + type));
  }

  #push(bytes) {
    this.#parts.push(bytes);
    this.#size += bytes.byteLength;
    return this;
  }
}

function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** A graph under construction. Values are known by name; nodes are in the order of execution. */
export class OnnxGraph {
  #nodes = [];
  #initializers = [];
  #inputs = [];
  #outputs = [];
  #count = 0;
  /** Names of the nodes of each operation. */
  nodeNames = {};

  input(name, shape) {
    this.#inputs.push(valueInfo(name, shape));
    return name;
  }

  output(name, shape) {
    this.#outputs.push(valueInfo(name, shape));
  }

  /** A float constant. */
  constant(name, { shape, data }) {
    return this.#initializer(name, shape, FLOAT, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** A list of 64-bit integers, such as a shape or axes. */
  integers(name, values) {
    const data = BigInt64Array.from(values, BigInt);
    return this.#initializer(name, [values.length], INT64, new Uint8Array(data.buffer));
  }

  scalar(name, value) {
    return this.constant(name, { shape: [], data: Float32Array.of(value) });
  }

  /**
   * Appends a node. Attributes by their JavaScript type: text, integers, arrays of integers; { float: 1 } for a float.
   *
   * @returns the name of its output, or the names where `outputs` lists several
   */
  node(operation, inputs, attributes = {}, outputs = undefined) {
    const name = `${operation}_${this.#count++}`;
    const names = outputs === undefined ? [`${name}_out`] : [outputs].flat();
    const node = new Message();
    for (const input of inputs) node.string(1, input);
    for (const output of names) node.string(2, output);
    node.string(3, name).string(4, operation);
    for (const [key, value] of Object.entries(attributes)) node.message(5, attribute(key, value));
    this.#nodes.push(node);
    (this.nodeNames[operation] ??= []).push(name);
    return Array.isArray(outputs) ? names : names[0];
  }

  /** The bytes of the model. */
  finish(opset = 20) {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.string(2, "graph");
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const info of this.#inputs) graph.message(11, info);
    for (const info of this.#outputs) graph.message(12, info);
    const opsetImport = new Message().string(1, "").int(2, opset);
    return new Message().int(1, 9).string(2, "voxtwirl").message(7, graph).message(8, opsetImport).finish();
  }

  #initializer(name, shape, type, raw) {
    const tensor = new Message();
    for (const size of shape) tensor.int(1, size);
    this.#initializers.push(tensor.int(2, type).string(8, name).bytes(9, raw));
    return name;
  }
}

function attribute(name, value) {
  const message = new Message().string(1, name);
  if (typeof value === "string") return message.string(4, value).int(20, ATTRIBUTE.string);
  if (Array.isArray(value)) {
    for (const item of value) message.int(8, item);
    return message.int(20, ATTRIBUTE.ints);
  }
  if (typeof value === "object") return message.float(2, value.float).int(20, ATTRIBUTE.float);
  return message.int(3, value).int(20, ATTRIBUTE.int);
}

function valueInfo(name, shape) {
  const dimensions = new Message();
  for (const size of shape) dimensions.message(1, new Message().int(1, size));
  const type = new Message().message(1, new Message().int(1, FLOAT).message(2, dimensions));
  return new Message().string(1, name).message(2, type);
}
