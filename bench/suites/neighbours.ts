import { bondOrder } from "../../src/kernels/neighbours/bondOrder.ts";
import { neighbourList } from "../../src/kernels/neighbours/neighbourList.ts";
import { reverseNeighbours } from "../../src/kernels/neighbours/reverseNeighbours.ts";
import * as twin from "../../src/reference/neighbours.ts";
import type { BenchCase, CaseData } from "../case.ts";
import { uniform } from "../data.ts";
import { graphCase, type InputSpec } from "../graphCase.ts";

/** Atoms in a cubic Angstrom, as in molecules. */
const DENSITY = 0.1;
const CUTOFF = 12;
const SLOTS = 20;
const DEGREE = 9;
/** The twin takes its time: so many atoms of all. */
const CHECKED = 64;

interface Atoms {
  readonly name: string;
  readonly structures: number;
  readonly atoms: number;
}

/** The 20 nearest atoms in 64 molecules of 100 atoms and in a box of 10,000, and what a network makes of them. */
export function neighbourCases(): BenchCase[] {
  const molecules = { name: "neighbours/molecules", structures: 64, atoms: 100 };
  const box = { name: "neighbours/box", structures: 1, atoms: 10_000 };
  return [lists(molecules), lists(box), orders(molecules), reversed(molecules), reversed(box)];
}

const textOf = ({ structures, atoms }: Atoms) => `${structures} x ${atoms} atoms, ${SLOTS} nearest`;

function positionsOf({ structures, atoms }: Atoms): InputSpec<"positions"> {
  return { name: "positions", shape: [structures, atoms, 4], spread: { scale: Math.cbrt(atoms / DENSITY) / 2 } };
}

function lists(spec: Atoms): BenchCase {
  const { name, structures, atoms } = spec;
  const shape = [structures, atoms, SLOTS];
  return graphCase({
    name,
    suite: "neighbours",
    shape: textOf(spec),
    inputs: [
      positionsOf(spec),
      { name: "counts", shape: [structures], only: "ours", make: () => new Uint32Array(structures).fill(atoms) },
    ],
    outputs: [{ name: "neighbours", shape, whole: true }],
    // A square for each neighbour, whatever else is looked at.
    flops: 8 * structures * atoms * SLOTS,
    // Whole numbers are right or wrong.
    tolerance: 1e-7,
    peers: { operation: "neighbours", attributes: { cutoff: CUTOFF, slots: SLOTS } },
    emit: (graph, { positions, counts, neighbours }) => {
      const neighbourCounts = graph.scratch("neighbourCounts", [structures, atoms], "u32");
      neighbourList(graph, { label: name, positions, counts, cutoff: CUTOFF, neighbours, neighbourCounts });
    },
    expected: (data) => {
      const checked = checkedAtoms(spec);
      const values = checked.flatMap((i) => nearest(spec, data, i));
      const indices = checked.flatMap((i) => Array.from({ length: SLOTS }, (_, slot) => i * SLOTS + slot));
      return [{ output: "neighbours", indices, values }];
    },
  });
}

/** Strewn over all of them. */
const checkedAtoms = ({ structures, atoms }: Atoms) => {
  return Array.from({ length: CHECKED }, (_, k) => Math.floor(((k + 0.5) * structures * atoms) / CHECKED));
};

function nearest({ atoms }: Atoms, data: CaseData, i: number): number[] {
  const first = i - (i % atoms);
  const others = Array.from({ length: atoms }, (_, j) => first + j);
  const found = twin.neighboursOf(data.get("positions")!, i, others, CUTOFF ** 2);
  return found.slice(0, SLOTS).sort((a, b) => a - b);
}

function orders(spec: Atoms): BenchCase {
  const { structures, atoms } = spec;
  const name = `${spec.name}/order`;
  const shape = [structures, atoms, DEGREE + 1];
  const terms = ((DEGREE + 1) * (DEGREE + 2)) / 2;
  return graphCase({
    name,
    suite: "neighbours",
    shape: `${textOf(spec)}, bond order`,
    inputs: [
      { name: "edges", shape: [structures, atoms, SLOTS, 4], make: () => directions(name, structures * atoms * SLOTS) },
      {
        name: "neighbourCounts",
        shape: [structures, atoms],
        only: "ours",
        make: () => new Uint32Array(structures * atoms).fill(SLOTS),
      },
    ],
    outputs: [{ name: "y", shape }],
    flops: structures * atoms * SLOTS * (8 * terms + 6 * DEGREE),
    tolerance: 1e-6,
    peers: { operation: "bondOrder", attributes: { degree: DEGREE } },
    emit: (graph, { edges, neighbourCounts, y }) => bondOrder(graph, { label: name, edges, neighbourCounts, y }),
    expected: (data) => {
      const checked = checkedAtoms(spec);
      const edges = checked.flatMap((i) => Array.from(data.get("edges")!.subarray(4 * SLOTS * i, 4 * SLOTS * (i + 1))));
      const indices = checked.flatMap((i) => Array.from({ length: DEGREE + 1 }, (_, l) => (DEGREE + 1) * i + l));
      const values = twin.bondOrders(
        DEGREE,
        SLOTS,
        edges,
        checked.map(() => SLOTS),
      );
      return [{ output: "y", indices, values }];
    },
  });
}

function directions(name: string, count: number): Float32Array<ArrayBuffer> {
  const values = uniform(`${name}/edges`, 4 * count);
  for (let at = 0; at < values.length; at += 4) {
    const length = Math.hypot(values[at]!, values[at + 1]!, values[at + 2]!);
    for (let k = 0; k < 3; k++) values[at + k]! /= length;
  }
  return values;
}

/** Lists of atoms near in number. */
function reversed(spec: Atoms): BenchCase {
  const { structures, atoms } = spec;
  const name = `${spec.name}/reverse`;
  const count = structures * atoms * SLOTS;
  return graphCase({
    name,
    suite: "neighbours",
    shape: `${textOf(spec)}, edges by where they end`,
    inputs: [{ name: "neighbours", shape: [structures, atoms, SLOTS], make: () => rings(spec) }],
    outputs: [{ name: "edges", shape: [count], whole: true }],
    flops: 0,
    tolerance: 1e-7,
    emit: (graph, { neighbours, edges }) => {
      const [starts, inDegrees] = ["starts", "inDegrees"].map((name) =>
        graph.scratch(name, [structures, atoms], "u32"),
      );
      reverseNeighbours(graph, { label: name, neighbours, starts: starts!, inDegrees: inDegrees!, edges });
    },
    expected: (data) => {
      const { edges } = twin.reverseNeighbours({ structures, atoms, slots: SLOTS }, data.get("neighbours")!);
      return [{ output: "edges", values: edges }];
    },
  });
}

/** The neighbours of each atom are those that follow it by a prime number's multiples, around the end. */
function rings({ structures, atoms }: Atoms): Uint32Array<ArrayBuffer> {
  const rows = Array.from({ length: structures * atoms }, (_, i) => {
    const first = i - (i % atoms);
    return Array.from({ length: SLOTS }, (_, k) => first + ((i + 37 * (k + 1)) % atoms)).sort((a, b) => a - b);
  });
  return Uint32Array.from(rows.flat());
}
