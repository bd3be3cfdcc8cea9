import { describe, expect, it } from "vitest";
import { Message, OnnxGraph } from "../../bench/peers/onnx.mjs";

// A reader of the wire format that shares nothing with the writer: fields as [number, value], values a BigInt, four
// bytes, or the bytes of what has a length.
type Field = readonly [number, bigint | Uint8Array];

function decode(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const type = tag & 7;
    if (type === 0) fields.push([tag >> 3, varint()]);
    else if (type === 2) fields.push([tag >> 3, take(Number(varint()))]);
    else if (type === 5) fields.push([tag >> 3, take(4)]);
    else throw new Error(`wire type ${type}`);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const all = (fields: Field[], number: number) => fields.filter(([field]) => field === number).map(([, value]) => value);
const messages = (fields: Field[], number: number) => all(fields, number).map((value) => decode(value as Uint8Array));
/** The first message of that number. */
const message = (fields: Field[], number: number) => messages(fields, number)[0]!;
const texts = (fields: Field[], number: number) =>
  all(fields, number).map((value) => new TextDecoder().decode(value as Uint8Array));
const integers = (fields: Field[], number: number) =>
  all(fields, number).map((value) => Number(BigInt.asIntN(64, value as bigint)));

/** [name, sizes] of a ValueInfoProto of floats. */
function valueInfo(fields: Field[]): [string, number[]] {
  const tensor = message(message(fields, 2), 1);
  expect(integers(tensor, 1)).toEqual([1]);
  const shape = message(tensor, 2);
  return [texts(fields, 1)[0]!, messages(shape, 1).map((dimension) => integers(dimension, 1)[0]!)];
}

describe("Message", () => {
  it("writes protobuf's own examples", () => {
    // From the description of the encoding: field 1 = 150, field 2 = "testing", field 3 a message with field 1 = 150.
    const bytes = new Message().int(1, 150).string(2, "testing").message(3, new Message().int(1, 150)).finish();
    expect([...bytes]).toEqual([
      0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67, 0x1a, 0x03, 0x08, 0x96, 0x01,
    ]);
  });

  it("writes negative integers in ten bytes and floats in four", () => {
    const bytes = new Message().int(3, -2).float(2, 1.5).finish();
    expect([...bytes]).toEqual([0x18, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 0x01, 0x15, 0, 0, 0xc0, 0x3f]);
  });

  it("writes numbers of fields above 15 and lengths above 127 as varints", () => {
    const bytes = new Message().int(20, 7).bytes(1, new Uint8Array(300)).finish();
    expect([...bytes.subarray(0, 6)]).toEqual([0xa0, 0x01, 0x07, 0x0a, 0xac, 0x02]);
    expect(bytes.length).toBe(306);
  });
});

describe("OnnxGraph", () => {
  const graph = new OnnxGraph();
  const x = graph.input("x", [2, 3]);
  const weight = graph.constant("w", { shape: [3, 1], data: Float32Array.of(1, -2, 0.5) });
  const product = graph.node("MatMul", [x, weight]);
  const halves = graph.node("Split", [product], { axis: -1, num_outputs: 2 }, ["a", "b"]);
  const options = { epsilon: { float: 0.5 }, mode: "linear", pads: [1, 0, 200] };
  graph.node("Anything", [...halves, graph.integers("axes", [-1, 5])], options, "y");
  graph.output("y", [2, 1]);
  const model = decode(graph.finish(20));
  const inner = message(model, 7);

  it("declares its version of the format and of the operations", () => {
    expect(integers(model, 1)).toEqual([9]);
    const opset = message(model, 8);
    expect(texts(opset, 1)).toEqual([""]);
    expect(integers(opset, 2)).toEqual([20]);
  });

  it("has inputs and outputs with their shapes", () => {
    expect(messages(inner, 11).map(valueInfo)).toEqual([["x", [2, 3]]]);
    expect(messages(inner, 12).map(valueInfo)).toEqual([["y", [2, 1]]]);
  });

  it("has nodes in order, connected by name", () => {
    const nodes = messages(inner, 1).map((node) => [texts(node, 4)[0], texts(node, 1), texts(node, 2)]);
    expect(nodes).toEqual([
      ["MatMul", ["x", "w"], [product]],
      ["Split", [product], ["a", "b"]],
      ["Anything", ["a", "b", "axes"], ["y"]],
    ]);
    expect(graph.nodeNames).toEqual({ MatMul: ["MatMul_0"], Split: ["Split_1"], Anything: ["Anything_2"] });
  });

  it("writes attributes with the type they have", () => {
    const nodes = messages(inner, 1);
    const split = messages(nodes[1]!, 5);
    expect(split.map((a) => [texts(a, 1)[0], integers(a, 3)[0], integers(a, 20)[0]])).toEqual([
      ["axis", -1, 2],
      ["num_outputs", 2, 2],
    ]);
    const [epsilon, mode, pads] = messages(nodes[2]!, 5) as [Field[], Field[], Field[]];
    const float = all(epsilon, 2)[0] as Uint8Array;
    expect(new DataView(float.buffer, float.byteOffset).getFloat32(0, true)).toBe(0.5);
    expect(integers(epsilon, 20)).toEqual([1]);
    expect([texts(mode, 4), integers(mode, 20)]).toEqual([["linear"], [3]]);
    expect([integers(pads, 8), integers(pads, 20)]).toEqual([[1, 0, 200], [7]]);
  });

  it("writes constants as raw little-endian values", () => {
    const [w, axes] = messages(inner, 5) as [Field[], Field[]];
    expect([integers(w, 1), integers(w, 2), texts(w, 8)]).toEqual([[3, 1], [1], ["w"]]);
    expect([...new Float32Array((all(w, 9)[0] as Uint8Array).slice().buffer)]).toEqual([1, -2, 0.5]);
    expect([integers(axes, 1), integers(axes, 2), texts(axes, 8)]).toEqual([[2], [7], ["axes"]]);
    expect([...new BigInt64Array((all(axes, 9)[0] as Uint8Array).slice().buffer)]).toEqual([-1n, 5n]);
  });
});
