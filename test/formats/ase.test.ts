// Extended XYZ files that ASE reads and writes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { frameLabels } from "../../src/formats/frameLabels.ts";
import { encodeXyzFrame } from "../../src/formats/xyzWriter.ts";
import type { Frame, FrameColumn, InfoValue } from "../../src/molecules/frame.ts";
import { readFrameFile } from "../../src/node/frameFile.ts";
import { Random } from "../../src/random.ts";
import { hasAse, runPython } from "../python.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("ase");

/** What ASE reads, with numbers as Python's repr, which has all digits. */
const reading = `
import sys, json, ase.io, numpy as np
def plain(x):
    if isinstance(x, np.ndarray): return plain(x.tolist())
    if isinstance(x, (list, tuple)): return [plain(y) for y in x]
    if isinstance(x, dict): return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (bool, np.bool_)): return bool(x)
    if isinstance(x, (int, float, np.number)): return repr(float(x))
    return x
def frame(a):
    arrays = {k: plain(v) for k, v in a.arrays.items()}
    calc = {} if a.calc is None else {k: plain(v) for k, v in a.calc.results.items()}
    return dict(arrays=arrays, cell=plain(a.cell[:]), pbc=plain(a.pbc), info=plain(a.info), calc=calc)
print(json.dumps([frame(a) for a in ase.io.read(sys.argv[1], ":", format="extxyz")]))
`;

const writing = `
import sys, json, numpy as np
from ase import Atoms
from ase.io import write
from ase.calculators.singlepoint import SinglePointCalculator
a = Atoms("OHX", positions=[[0, 0, 0.125], [0.75, 0, -0.5], [0, 1, 2]], pbc=[1, 0, 1])
a.cell = [[5, 0, 0], [1, 6, 0], [0, 0, 7.5]]
a.info.update(label='it\\'s "x"', ok=True, n=3, v=np.array([1.5, 2.5]))
a.info.update(m=np.array([[1.5, 2.0], [3.0, 4.0]]), d=dict(a=[1, 2]))
a.arrays["tag"] = np.array([1, 2, 3])
a.arrays["on"] = np.array([True, False, True])
s = np.array([1.0, 2.0, 3.0, 0.1, 0.2, 0.3])
a.calc = SinglePointCalculator(a, energy=-1.1, forces=np.arange(9.0).reshape(3, 3), stress=s)
write(sys.argv[1], [a, a], format="extxyz")
print("null")
`;

describe.skipIf(!hasAse)("ASE", () => {
  it("reads back to the last digit what encodeXyzFrame writes", () => {
    const random = new Random(1);
    const numbers = (count: number) =>
      Float64Array.from({ length: count }, () => random.normal() * 10 ** random.int(6));
    const frames = Array.from({ length: 20 }, (_, i): Frame => {
      const forces: FrameColumn = { kind: "R", width: 3, values: numbers(9) };
      return {
        elements: Uint8Array.of(0, 1, 1 + random.int(103)),
        positions: numbers(9),
        ...(i % 2 === 0 && { cell: numbers(9), pbc: [true, i % 4 === 0, false] as const }),
        arrays: new Map<string, FrameColumn>([
          ["forces", forces],
          ["tag", { kind: "I", width: 1, values: Float64Array.of(-1, 2, i) }],
          ["on", { kind: "L", width: 1, values: Uint8Array.of(1, 0, 1) }],
          ["name", { kind: "S", width: 1, values: ["a", "b:c", "x-1"] }],
          ["dipoles", { kind: "R", width: 3, values: numbers(9) }],
        ]),
        info: new Map<string, InfoValue>([
          ["energy", numbers(1)[0]!],
          ["REF_energy", -1e-300],
          ["stress", [...numbers(9)]],
          ["vector", [...numbers(3)]],
          ["matrix", [[...numbers(2)], [...numbers(2)]]],
          ["one", [1.5]],
          ["text", `it's "so" \\ a=b [x] {y}, ${i}`],
          ["number", "12"],
          ["truth", "T"],
          ["lines", "a\nb\tc"],
          ["ok", false],
          ["flags", [true, false]],
          ["deep", { a: [1, { b: "c" }] }],
        ]),
      };
    });
    const file = join(folder, "ours.extxyz");
    writeFileSync(file, frames.map((frame) => encodeXyzFrame(frame)).join(""));
    const found = runPython(reading, file) as Record<string, Record<string, unknown>>[];
    expect(found).toHaveLength(frames.length);
    const exact = (value: unknown): unknown => {
      if (typeof value === "string" && /^-?[\d.]+(e[-+]\d+)?$/.test(value)) return Number(value);
      if (Array.isArray(value)) return value.map(exact);
      return typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, exact(one)]))
        : value;
    };
    const rows = (values: Float64Array) => [0, 3, 6].map((at) => [...values.subarray(at, at + 3)]);
    frames.forEach(({ elements, positions, cell, pbc, arrays, info }, i) => {
      const { stress, number: _, ...others }: Record<string, unknown> = Object.fromEntries(info);
      const s = stress as number[];
      expect(exact(found[i]), `frame ${i}`).toEqual({
        arrays: {
          numbers: [...elements],
          positions: rows(positions),
          forces: rows(arrays.get("forces")!.values as Float64Array),
          dipoles: rows(arrays.get("dipoles")!.values as Float64Array),
          tag: [-1, 2, i],
          on: [true, false, true],
          name: ["a", "b:c", "x-1"],
        },
        cell: cell === undefined ? rows(new Float64Array(9)) : rows(cell),
        pbc: pbc ?? [false, false, false],
        // ASE has columns first, and a text of digits is one.
        info: { ...others, number: 12, stress: [0, 1, 2].map((row) => [s[row], s[3 + row], s[6 + row]]) },
        calc: expect.objectContaining<Record<string, unknown>>({ energy: info.get("energy") }) as unknown,
      });
      expect(found[i]!.info!.number).toBe("12");
    });
  });

  it("writes what is read here", async () => {
    const file = join(folder, "theirs.extxyz");
    runPython(writing, file);
    const frames = [];
    for await (const frame of readFrameFile(file)) frames.push(frame);
    expect(frames).toHaveLength(2);
    const { elements, positions, cell, pbc, arrays, info } = frames[1]!;
    expect([...elements, ...positions]).toEqual([8, 1, 0, 0, 0, 0.125, 0.75, 0, -0.5, 0, 1, 2]);
    expect([...cell!, ...pbc!]).toEqual([5, 0, 0, 1, 6, 0, 0, 0, 7.5, true, false, true]);
    expect([...arrays.keys()].sort()).toEqual(["forces", "on", "tag"]);
    expect(Object.fromEntries(info)).toMatchObject({
      label: 'it\'s "x"',
      ok: true,
      n: 3,
      v: [1.5, 2.5],
      m: [
        [1.5, 2],
        [3, 4],
      ],
      d: { a: [1, 2] },
    });
    const labels = frameLabels(frames[1]!);
    expect(labels).toEqual({
      energy: -1.1,
      forces: Float64Array.from({ length: 9 }, (_, i) => i),
      stress: Float64Array.of(1, 0.3, 0.2, 0.3, 2, 0.1, 0.2, 0.1, 3),
    });
  });
});
