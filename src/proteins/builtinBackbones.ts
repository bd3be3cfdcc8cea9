import { Random } from "../random.ts";
import { makeChain, type Chain } from "./chain.ts";
import { growChain, shaken, sheet, turnedAndRounded, type Point, type Segment } from "./growing.ts";
import { residueName } from "./residues.ts";

/** SHA-256 of `builtinBackbonesBytes`, in hexadecimal: the identity of the data in a run's configuration. */
export const builtinBackbonesSha256 = "18ce3e645985475c826ed2826014cb4991b2563e543a739d8cd93280e872bb28";

const seed = 20;
const families = 32;
const members = 3;
/** How far the coordinates of a family's members are moved, in Angstrom, before their geometry is mended. */
const noise = [0, 0.4, 0.8];

interface Backbone {
  readonly points: readonly Point[];
  /** Of each residue. */
  readonly kinds: readonly Segment["kind"][];
}

/** Kinds of folds, each drawn anew for a family. */
const folds: Readonly<Record<string, (random: Random) => Backbone>> = {
  helix: (random) => grown([["helix", 24 + random.int(25)]], random, 1),
  hairpin: (random) => sheetOf(2, 11 + random.int(9)),
  sheet: (random) => sheetOf(3 + random.int(2), 7 + random.int(7)),
  hairpins: (random) => sheetOf(4 + random.int(2), 5 + random.int(4)),
  twoHelices: (random) => grown(joined(["helix", "helix"], 11, 13, random), random, 40),
  threeHelices: (random) => grown(joined(["helix", "helix", "helix"], 9, 7, random), random, 60),
  mixed: (random) => grown(joined(["strand", "helix", "strand"], 6, 8, random), random, 60),
  walk: (random) => grown([["loop", 24 + random.int(41)]], random, 60),
};

/**
 * The built-in backbones: 96 chains of 24 to 64 residues, in 32 families of three. A family is a fold and a sequence:
 * straight helices, hairpins and sheets, two or three helices or a helix and strands in a row, and random walks. The
 * first member is the ideal one, others are moved by chance; their sequences differ in some residues, and those of
 * different families share nearly nothing, so that `prepareChains` holds out families.
 *
 * All have the geometry of C-alphas: 3.8 A between neighbours, virtual bond angles of 85 to 150 degrees, and no others
 * nearer than 3.8 A. Positions are in Angstrom to 0.001, centred and turned at random (Haar measure). They are made
 * anew in each call, the same bits on every platform.
 */
export function builtinBackbones(): Chain[] {
  const random = new Random(seed);
  const made = Object.entries(folds);
  return Array.from({ length: families }, (_, family) => {
    const [name, fold] = made[family % made.length]!;
    return familyOf(`builtin-${name}-${Math.floor(family / made.length) + 1}`, fold(random), random);
  }).flat();
}

/** What `builtinBackbonesSha256` is taken of: for each chain a line of its name, sequence and thousandths of A. */
export function builtinBackbonesBytes(): Uint8Array {
  const lines = builtinBackbones().map(({ entry, chain, sequence, positions }) => {
    const thousandths = Array.from(positions, (value) => Math.round(1000 * value));
    return `${entry}_${chain} ${sequence} ${thousandths.join(" ")}\n`;
  });
  return new TextEncoder().encode(lines.join(""));
}

function familyOf(entry: string, { points, kinds }: Backbone, random: Random): Chain[] {
  const parent = kinds.map((kind) => drawResidue(kind, random));
  return Array.from({ length: members }, (_, member) => {
    const moved = noise[member] === 0 ? points : moveBy(noise[member]!, points, random);
    const letters = parent.map((letter, i) =>
      member > 0 && random.next() < 0.12 ? drawResidue(kinds[i]!, random) : letter,
    );
    return makeChain({
      entry,
      chain: "ABC"[member]!,
      positions: turnedAndRounded(moved, random),
      residues: letters.map((letter) => residueName(letter)!),
    });
  });
}

/** With less noise where so much cannot be mended. */
function moveBy(amount: number, points: readonly Point[], random: Random): readonly Point[] {
  return shaken(points, amount, random) ?? moveBy(0.8 * amount, points, random);
}

/** Residues that such a segment often has; a third of them are any. */
const preferred = { helix: "AAELLKKQMRIE", strand: "VVITYFVTIWKS", loop: "GGNPDSTKEGNP" } as const;
const any = "ACDEFGHIKLMNPQRSTVWY";

function drawResidue(kind: Segment["kind"], random: Random): string {
  const letters = random.next() < 1 / 3 ? any : preferred[kind];
  return letters[random.int(letters.length)]!;
}

function grown(blueprint: readonly (readonly [Segment["kind"], number])[], random: Random, attempts: number): Backbone {
  const segments = blueprint.map(([kind, residues]) => ({ kind, residues }));
  return { points: growChain(segments, random, attempts), kinds: kindsOf(segments) };
}

/** Segments of `least` residues and up to `more` in addition, with loops between them. */
function joined(
  kinds: readonly Segment["kind"][],
  least: number,
  more: number,
  random: Random,
): (readonly [Segment["kind"], number])[] {
  return kinds.flatMap((kind, i) => {
    const segment = [kind, least + random.int(more)] as const;
    return i === 0 ? [segment] : [["loop", 3 + random.int(3)] as const, segment];
  });
}

function sheetOf(strands: number, residues: number): Backbone {
  const segments = Array.from({ length: 2 * strands - 1 }, (_, i) =>
    i % 2 === 0 ? ({ kind: "strand", residues } as const) : ({ kind: "loop", residues: 2 } as const),
  );
  return { points: sheet(strands, residues), kinds: kindsOf(segments) };
}

function kindsOf(segments: readonly Segment[]): Segment["kind"][] {
  return segments.flatMap(({ kind, residues }) => Array.from({ length: residues }, () => kind));
}
