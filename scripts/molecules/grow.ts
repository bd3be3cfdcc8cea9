// Graphs of molecules, grown by chance.
import { Random } from "../../src/random.ts";
import { addAtom, addBond, freeValence, pathLengths, type Graph } from "./graph.ts";

/** Chances of the number of heavy atoms, of a starting ring's size, and of the element of an added atom. */
const sizes: [number, number][] = [
  [1, 0.002],
  [2, 0.003],
  [3, 0.005],
  [4, 0.01],
  [5, 0.02],
  [6, 0.04],
  [7, 0.07],
  [8, 0.15],
  [9, 0.7],
];
const starts: [number, number][] = [
  [1, 0.42],
  [3, 0.15],
  [4, 0.13],
  [5, 0.24],
  [6, 0.14],
];
const added: [number, number][] = [
  [6, 0.54],
  [7, 0.18],
  [8, 0.28],
];

/** Aromatic rings, written as the element of each ring atom and the orders of the bonds from it to the next. */
const templates: { elements: number[]; orders: number[] }[] = [
  { elements: [6, 6, 6, 6, 6, 6], orders: [2, 1, 2, 1, 2, 1] },
  { elements: [7, 6, 6, 6, 6, 6], orders: [2, 1, 2, 1, 2, 1] },
  { elements: [7, 6, 7, 6, 6, 6], orders: [2, 1, 2, 1, 2, 1] },
  { elements: [7, 6, 6, 7, 6, 6], orders: [2, 1, 2, 1, 2, 1] },
  { elements: [7, 6, 6, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [8, 6, 6, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [7, 6, 7, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [7, 7, 6, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [8, 6, 7, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [8, 7, 6, 6, 6], orders: [1, 2, 1, 2, 1] },
  { elements: [7, 6, 7, 7, 6], orders: [1, 2, 1, 2, 1] },
];

/**
 * Grows the graph of heavy atoms with number `index`, a function of the two numbers alone. It keeps every valence;
 * whether it makes chemical sense is for `plausible` to say.
 */
export function growGraph(seed: number, index: number): Graph {
  const random = new Random(seed * 2 ** 32 + index);
  const size = weighted(random, sizes);
  const fluorines =
    random.next() < 0.14
      ? Math.min(
          size - 1,
          weighted(random, [
            [1, 0.7],
            [2, 0.15],
            [3, 0.15],
          ]),
        )
      : 0;
  const skeleton = size - fluorines;
  const graph = start(random, skeleton);
  for (let tries = 0; graph.elements.length < skeleton && tries < 100; tries++) {
    const move = random.next();
    const room = skeleton - graph.elements.length;
    if (move < 0.38) attach(graph, random);
    else if (move < 0.49) attachDouble(graph, random);
    else if (move < 0.56 && room >= 2) attachTriple(graph, random);
    else closeRing(graph, random, room);
  }
  while (random.next() < 0.8) replaceCarbon(graph, random);
  while (random.next() < 0.3) raiseBond(graph, random);
  fluorinate(graph, random, fluorines);
  return graph;
}

function weighted<T>(random: Random, choices: [T, number][]): T {
  let left = random.next() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  return choices[choices.length - 1]![0];
}

function start(random: Random, size: number): Graph {
  const graph: Graph = { elements: [], bonds: [], aromatic: [] };
  const template = templates[random.int(templates.length)]!;
  if (random.next() < 0.24 && template.elements.length <= size) {
    for (const element of template.elements) addAtom(graph, element, true);
    template.orders.forEach((order, i) => addBond(graph, i, (i + 1) % template.orders.length, order));
    return graph;
  }
  const ring = weighted(random, starts);
  const first = ring === 1 && size <= 2 ? weighted(random, added) : 6;
  addAtom(graph, first);
  if (ring > size || ring < 3) return graph;
  for (let i = 1; i < ring; i++) addBond(graph, addAtom(graph, 6) - 1, i, 1);
  addBond(graph, ring - 1, 0, 1);
  return graph;
}

/** An atom, drawn evenly, with at least `free` hydrogens to give; undefined if there is none. */
function site(graph: Graph, random: Random, free: number): number | undefined {
  const sites = graph.elements.map((_, i) => i).filter((i) => freeValence(graph, i) >= free);
  return sites.length > 0 ? sites[random.int(sites.length)] : undefined;
}

function attach(graph: Graph, random: Random): void {
  const at = site(graph, random, 1);
  if (at !== undefined) addBond(graph, at, addAtom(graph, weighted(random, added)), 1);
}

/** Mostly a carbonyl oxygen, sometimes an imine or a methylene. */
function attachDouble(graph: Graph, random: Random): void {
  const at = site(graph, random, 2);
  if (at === undefined) return;
  const element = weighted(random, [
    [8, 0.75],
    [7, 0.1],
    [6, 0.15],
  ]);
  addBond(graph, at, addAtom(graph, element), 2);
}

/** A nitrile or an ethynyl group. */
function attachTriple(graph: Graph, random: Random): void {
  const at = site(graph, random, 1);
  if (at === undefined) return;
  const inner = addAtom(graph, 6);
  addBond(graph, at, inner, 1);
  addBond(graph, inner, addAtom(graph, random.next() < 0.5 ? 7 : 6), 3);
}

/** Closes a ring of 3 to 6 atoms by a bridge of at most `room` new atoms between two atoms that can take a bond. */
function closeRing(graph: Graph, random: Random, room: number): void {
  const from = site(graph, random, 1);
  if (from === undefined) return;
  const lengths = pathLengths(graph, from);
  const ends = lengths.flatMap((length, i) => (length >= 1 && length <= 5 && freeValence(graph, i) >= 1 ? [i] : []));
  if (ends.length === 0) return;
  const to = ends[random.int(ends.length)]!;
  const wanted = weighted(random, [
    [3, 0.2],
    [4, 0.15],
    [5, 0.4],
    [6, 0.25],
  ]);
  const far = lengths[to]!;
  const bridge = wanted - far - 1;
  if (bridge < (far === 1 ? 1 : 0) || bridge > room) return;
  let last = from;
  for (let i = 0; i < bridge; i++) {
    const atom = addAtom(graph, 6);
    addBond(graph, last, atom, 1);
    last = atom;
  }
  addBond(graph, last, to, 1);
}

/** Turns a carbon outside aromatic templates into nitrogen or oxygen, if its bonds allow it. */
function replaceCarbon(graph: Graph, random: Random): void {
  const atom = random.int(graph.elements.length);
  const element = random.next() < 0.5 ? 7 : 8;
  if (graph.elements[atom] !== 6 || graph.aromatic[atom]) return;
  if (freeValence(graph, atom) >= (element === 7 ? 1 : 2)) graph.elements[atom] = element;
}

/** Raises the order of a bond outside aromatic templates, if both ends have a hydrogen to give. */
function raiseBond(graph: Graph, random: Random): void {
  if (graph.bonds.length === 0) return;
  const bond = graph.bonds[random.int(graph.bonds.length)]!;
  if (graph.aromatic[bond.a] || graph.aromatic[bond.b]) return;
  if (freeValence(graph, bond.a) >= 1 && freeValence(graph, bond.b) >= 1 && bond.order < 3) bond.order++;
}

/** Puts up to `count` fluorine atoms on one carbon. */
function fluorinate(graph: Graph, random: Random, count: number): void {
  const carbons = graph.elements.map((_, i) => i).filter((i) => graph.elements[i] === 6 && freeValence(graph, i) > 0);
  if (carbons.length === 0) return;
  const at = carbons[random.int(carbons.length)]!;
  for (let i = Math.min(count, freeValence(graph, at)); i > 0; i--) addBond(graph, at, addAtom(graph, 9), 1);
}
