import { describe, expect, it } from "vitest";
import type { VoxtwirlError } from "../../src/errors.ts";
import { parseSdf } from "../../src/formats/sdf.ts";
import { thrown } from "./support.ts";

type Atom = readonly [symbol: string, x: number, y: number, z?: number];
type Join = readonly [a: number, b: number, order?: number];

const codes = {
  solid: "  program 01012500003D",
  lower: "  program 01012500003d",
  shifted: "  a longer name 01012500003D",
  flat: "  program 01012500002D",
  shiftedFlat: "  a longer name 01012500002D",
  none: "",
};

function sdf(program: string, atoms: readonly Atom[], bonds: readonly Join[]): string {
  const place = (value: number) => value.toFixed(4).padStart(10);
  const three = (value: number) => String(value).padStart(3);
  return [
    "name",
    program,
    "",
    `${three(atoms.length)}${three(bonds.length)}  0  0  0  0            999 V2000`,
    ...atoms.map(([symbol, x, y, z = 0]) => `${place(x)}${place(y)}${place(z)} ${symbol}`),
    ...bonds.map(([a, b, order = 1]) => `${three(a)}${three(b)}${three(order)}`),
    "M  END",
  ].join("\n");
}

/** `symbol x y, ...`, in the plane. */
const atoms = (text: string): Atom[] =>
  text.split(", ").map((one) => {
    const [symbol = "", x, y] = one.split(" ");
    return [symbol, Number(x), Number(y)];
  });
/** `a-b a-b:order ...` */
const bonds = (text: string): Join[] =>
  text.split(" ").map((one) => {
    const [a = 0, b = 0, order] = one.split(/[-:]/).map(Number);
    return [a, b, order];
  });
/** A zigzag of bonds of one length, 120 degrees apart. */
const zigzag = (symbols: string, length: number): Atom[] =>
  Array.from(symbols, (symbol, i) => [symbol, i * length * Math.sqrt(0.75), (i % 2) * length * 0.5]);
const row = (atoms: number, order?: number): Join[] =>
  Array.from({ length: atoms - 1 }, (_, i) => [i + 1, i + 2, order]);
const ring = (symbols: string, length: number): Atom[] =>
  Array.from(symbols, (symbol, i) => {
    const n = symbols.length;
    const radius = length / (2 * Math.sin(Math.PI / n));
    return [symbol, radius * Math.cos((2 * Math.PI * i) / n), radius * Math.sin((2 * Math.PI * i) / n)];
  });
const closed = (atoms: number, order: (i: number) => number): Join[] =>
  Array.from({ length: atoms }, (_, i) => [i + 1, ((i + 1) % atoms) + 1, order(i)]);

const molecules: Record<string, [Atom[], Join[]]> = {
  "carbon dioxide": [atoms("O -1.16 0, C 0 0, O 1.16 0"), bonds("1-2:2 2-3:2")],
  nitrogen: [atoms("N 0 0, N 1.098 0"), bonds("1-2:3")],
  oxygen: [atoms("O 0 0, O 1.208 0"), bonds("1-2:2")],
  hydrogen: [atoms("H 0 0, H 0.741 0"), bonds("1-2")],
  fluorine: [atoms("F 0 0, F 1.412 0"), bonds("1-2")],
  water: [atoms("O 0 0, H 0.757 0.586, H -0.757 0.586"), bonds("1-2 1-3")],
  "an atom": [atoms("Ar 0 0"), []],
};
/** Flat ones of more atoms, which need the code. */
const large: Record<string, [Atom[], Join[]]> = {
  "benzene without hydrogens": [ring("CCCCCC", 1.395), closed(6, (i) => 1 + (i % 2))],
  "benzene of aromatic bonds": [ring("CCCCCC", 1.395), closed(6, () => 4)],
  "benzene of single bonds": [ring("CCCCCC", 1.395), closed(6, () => 1)],
  "boron trifluoride": [atoms("B 0 0, F 1.313 0, F -0.6565 1.1371, F -0.6565 -1.1371"), bonds("1-2 1-3 1-4")],
  formaldehyde: [atoms("C 0 0, O 1.205 0, H -0.59 0.94, H -0.59 -0.94"), bonds("1-2:2 1-3 1-4")],
  pyrrole: [
    atoms("N 0 0, C 1.118 0.79, C 0.713 2.104, C -0.713 2.104, C -1.118 0.79"),
    bonds("1-2 2-3:2 3-4 4-5:2 5-1"),
  ],
  tetrafluoroethylene: [
    atoms("C -0.655 0, C 0.655 0, F -1.385 1.098, F -1.385 -1.098, F 1.385 1.098, F 1.385 -1.098"),
    bonds("1-2:2 1-3 1-4 2-5 2-6"),
  ],
  "unlike lengths in a chain": [atoms("C 0 0, C 1.5 0, O 2.1 1.05, N 2.2 -1.16"), bonds("1-2 2-3:2 2-4")],
};

const drawings: Record<string, [Atom[], Join[]]> = {
  "bonds of 0.825": [zigzag("CNCCO", 0.825), row(5)],
  "bonds of 1": [zigzag("CCCC", 1), row(4)],
  "bonds of 1.5 whatever they join": [zigzag("CCOC", 1.5), row(4)],
  "bonds of 1.5 at 120 degrees": [zigzag("CCCCC", 1.5), row(5)],
  "bonds of 1.54 at 120 degrees": [ring("CCCCCC", 1.54), closed(6, () => 1)],
  "double bonds of 1.5": [zigzag("CCCC", 1.5), row(4, 2)],
  "hexagons of 0.825": [ring("CCCCCN", 0.825), closed(6, (i) => 1 + (i % 2))],
  "bonds of 0.8 and more in a bridged ring": [
    atoms("C 0 0, C 0.82 0, C 1.1 0.8, C 0.4 1.3, C -0.3 0.8, C 0.4 0.5"),
    bonds("1-2 2-3 3-4 4-5 5-1 1-6 3-6"),
  ],
  methane: [atoms("C 0 0, H 1.09 0, H -1.09 0, H 0 1.09, H 0 -1.09"), bonds("1-2 1-3 1-4 1-5")],
  "all at one point": [atoms("C 0 0, O 0 0, N 0 0, C 0 0"), row(4)],
};

/** What the reader says to a record. */
const said = (program: string, atoms: readonly Atom[], bonds: readonly Join[]) =>
  (thrown(() => parseSdf(sdf(program, atoms, bonds))) as VoxtwirlError | undefined)?.message ?? "read";

describe("flat drawings in SD files", () => {
  it.each(Object.entries(molecules))("%s is a molecule, with the code 3D and without", (_, [atoms, bonds]) => {
    for (const program of [codes.solid, codes.lower, codes.shifted, codes.none]) {
      expect(parseSdf(sdf(program, atoms, bonds))[0]!.elements).toHaveLength(atoms.length);
    }
  });

  it.each(Object.entries(large))("%s is a molecule with the code 3D, and a drawing without", (_, [atoms, bonds]) => {
    for (const program of [codes.solid, codes.lower, codes.shifted]) expect(said(program, atoms, bonds)).toBe("read");
    for (const program of [codes.none, codes.flat, codes.shiftedFlat]) {
      expect(said(program, atoms, bonds)).toContain("flat drawing");
    }
  });

  it.each(Object.entries(drawings))("%s: a drawing whatever the code", (_, [atoms, bonds]) => {
    for (const program of Object.values(codes)) {
      expect(said(program, atoms, bonds)).toContain("line 2: the molecule is a flat drawing");
    }
  });

  it.each(Object.entries(drawings))(
    "%s: a molecule with an atom off the plane, whatever the code",
    (_, [atoms, bonds]) => {
      const [[symbol, x, y], ...rest] = atoms as [Atom, ...Atom[]];
      for (const program of Object.values(codes)) {
        expect(said(program, [[symbol, x, y, 0.5], ...rest], bonds)).toBe("read");
      }
    },
  );

  it("two and three atoms that are drawn", () => {
    for (const length of [0.825, 1, 1.5]) {
      expect(said(codes.none, zigzag("COC", length), row(3, 2))).toContain("flat drawing");
    }
    expect(said(codes.none, zigzag("CO", 0.825), row(2))).toContain("flat drawing");
    expect(said(codes.flat, ...molecules.nitrogen!)).toContain("flat drawing");
  });
});
