import { isCoordinate } from "./lines.ts";
import type { FrameColumn, InfoValue, NumberedFrame } from "../molecules/frame.ts";
import type { NpyArray } from "./npyArray.ts";
import type { Fail } from "./npyHeader.ts";
import type { ArrayNames } from "./npzNames.ts";
import { Unusable } from "./records.ts";
import { symbolFault } from "./symbols.ts";

export interface FrameArrays {
  readonly numbers: NpyArray;
  readonly positions: NpyArray;
  readonly energies?: NpyArray | undefined;
  readonly forces?: NpyArray | undefined;
  readonly stress?: NpyArray | undefined;
  readonly virial?: NpyArray | undefined;
  readonly cells?: NpyArray | undefined;
  readonly pbc?: NpyArray | undefined;
  readonly twirlFrame?: NpyArray | undefined;
  readonly twirlRotation?: NpyArray | undefined;
  readonly twirlCopy?: NpyArray | undefined;
  readonly twirlCopies?: NpyArray | undefined;
  readonly twirlRepeat?: NpyArray | undefined;
  readonly twirlAngle?: NpyArray | undefined;
  /** What rotations are drawn from, and how many elements that has. */
  readonly twirlGroup?: string | undefined;
  readonly twirlOrder?: NpyArray | undefined;
}

/** Frames of an .npz file that can be gone through as often as need be. */
export interface NpzSource {
  /** Of one frame in the arrays, some of which may be none. */
  readonly atoms: number;
  /** Whether each frame has atomic numbers of its own. */
  readonly own: boolean;
  readonly names: ArrayNames;
  /** Those that can be used, from the first on. */
  frames(): AsyncIterable<NumberedFrame> | Iterable<NumberedFrame>;
}

/** Which copy of how many each row is, where `twirl_copy` and `twirl_copies` do not say it. */
export type NpzCopies = ReadonlyMap<number, readonly [copy: number, copies: number]>;

const tensorShapes = [[3, 3], [9], [6]];
const agree = "Save arrays of the same frames: (n) or (frames, n), (frames, n, 3), (frames), (frames, n, 3).";

/** The frames of arrays of atoms, whose shapes are held against each other first. */
export class NpzFrames implements NpzSource {
  readonly count: number;
  readonly #arrays: FrameArrays;
  /** Of one frame in the arrays, some of which may be none. */
  readonly atoms: number;
  /** Whether each frame has atomic numbers of its own. */
  readonly own: boolean;
  readonly names: ArrayNames;
  readonly #copies: NpzCopies;
  readonly #before: number;

  /**
   * @param part where the arrays are rows of longer ones: how many frames are before, and which copies all are
   * @throws what `fail` throws where arrays do not agree
   */
  constructor(arrays: FrameArrays, names: ArrayNames, fail: Fail, part?: { before: number; copies: NpzCopies }) {
    this.#arrays = arrays;
    this.names = names;
    this.#before = part?.before ?? 0;
    const { numbers, positions, energies, forces, cells, pbc, twirlFrame, twirlRotation } = arrays;
    const wrong: (name: string, array: NpyArray, expected: string) => never = (name, { shape }, expected) =>
      fail(`${JSON.stringify(name)} has the shape (${shape.join(", ")}), not ${expected}`, agree);
    // A single molecule may go without the axis of frames.
    const whole = positions.shape.length === 2 ? [1, ...positions.shape] : positions.shape;
    if (whole.length !== 3 || whole[2] !== 3) wrong(names.positions, positions, "(frames, n, 3)");
    const [frames, atoms] = whole as [number, number];
    // Frames without atoms take no bytes, so that any number of them may be claimed.
    if (atoms === 0) fail(`${JSON.stringify(names.positions)} has no atoms`, agree);
    this.count = frames;
    this.atoms = atoms;
    this.own = numbers.shape.length === 2;
    if (!same(numbers.shape, this.own ? [frames, atoms] : [atoms])) {
      wrong(names.numbers, numbers, `(${atoms}) or (${frames}, ${atoms})`);
    }
    if (energies !== undefined && !isOnePerFrame(energies, frames)) wrong(names.energies!, energies, `(${frames})`);
    if (forces !== undefined && !same(forces.shape, positions.shape)) {
      wrong(names.forces!, forces, `(${positions.shape.join(", ")})`);
    }
    for (const key of ["twirlFrame", "twirlCopy", "twirlCopies", "twirlRepeat", "twirlAngle"] as const) {
      const array = arrays[key];
      if (array !== undefined && !same(array.shape, [frames])) wrong(names[key]!, array, `(${frames})`);
    }
    for (const key of ["stress", "virial"] as const) {
      const array = arrays[key];
      if (array === undefined || tensorShapes.some((own) => same(array.shape, [frames, ...own]))) continue;
      wrong(names[key]!, array, `(${frames}, 3, 3), (${frames}, 9) or (${frames}, 6)`);
    }
    if (twirlRotation !== undefined && !same(twirlRotation.shape, [frames, 3, 3])) {
      wrong(names.twirlRotation!, twirlRotation, `(${frames}, 3, 3)`);
    }
    this.#copies = part?.copies ?? (twirlFrame && twirlRotation ? copiesOf(twirlFrame.data) : new Map());
    for (const [array, name, ...own] of [
      [cells, names.cells, 3, 3],
      [pbc, names.pbc, 3],
    ] as const) {
      if (array === undefined || same(array.shape, own) || same(array.shape, [frames, ...own])) continue;
      wrong(name!, array, `(${own.join(", ")}) or (${[frames, ...own].join(", ")})`);
    }
  }

  /**
   * Frame `i`, from 0, with its labels as they are in the file, as energy and forces.
   *
   * @throws Unusable where atoms, positions or the cell cannot be used
   */
  frame(i: number): NumberedFrame {
    const { positions, energies, forces } = this.#arrays;
    const atoms = this.#atomsOf(i);
    const of = ({ data }: NpyArray) => {
      const values = new Float64Array(3 * atoms.length);
      atoms.forEach(({ at }, a) => values.set(data.subarray(at, at + 3), 3 * a));
      return values;
    };
    const places = of(positions);
    const bad = places.findIndex((value) => !isCoordinate(value));
    if (bad >= 0) {
      const atom = `atom ${Math.floor(bad / 3) + 1} of ${atoms.length}`;
      const message = `${atom} has the coordinate ${places[bad]}`;
      const fix = "Calculate the frame again, or remove it. Positions are in Angstrom.";
      throw new Unusable("coordinates that are no numbers", undefined, message, fix);
    }
    const column = (values: Float64Array): FrameColumn => ({ kind: "R", width: 3, values });
    return {
      number: this.#before + i + 1,
      elements: Uint8Array.from(atoms, ({ element }) => element),
      positions: places,
      ...this.#cellOf(i),
      arrays: new Map(forces === undefined ? [] : [["forces", column(of(forces))]]),
      info: new Map<string, InfoValue>([
        ...(energies === undefined ? [] : ([["energy", energies.data[i]!]] as const)),
        ...this.#tensorOf("stress", i),
        ...this.#tensorOf("virial", i),
        ...this.#twirlOf(i),
      ]),
    };
  }

  /** Frames that can be used. */
  *frames(): Generator<NumberedFrame, void, undefined> {
    for (let i = 0; i < this.count; i++) {
      let frame: NumberedFrame;
      try {
        frame = this.frame(i);
      } catch (fault) {
        if (fault instanceof Unusable) continue;
        throw fault;
      }
      yield frame;
    }
  }

  /** What says of a rotated copy which it is, as on the comment lines of extended XYZ. */
  #twirlOf(i: number): [string, InfoValue][] {
    const { twirlFrame, twirlRotation, twirlCopy, twirlCopies, twirlRepeat, twirlAngle } = this.#arrays;
    const { twirlGroup, twirlOrder } = this.#arrays;
    if (twirlFrame === undefined || twirlRotation === undefined) return [];
    const place =
      twirlCopy && twirlCopies ? [twirlCopy.data[i]!, twirlCopies.data[i]!] : this.#copies.get(this.#before + i);
    if (place === undefined) return [];
    const [repeat, angle, order] = [twirlRepeat?.data[i] ?? 0, twirlAngle?.data[i] ?? NaN, twirlOrder?.data[0]];
    const all: [string, InfoValue | undefined][] = [
      ["twirl_frame", twirlFrame.data[i]!],
      ["twirl_copy", place[0]],
      ["twirl_copies", place[1]],
      ["twirl_rotation", [...twirlRotation.data.subarray(9 * i, 9 * i + 9)]],
      ["twirl_group", repeat === 0 ? twirlGroup : undefined],
      ["twirl_order", repeat === 0 ? order : undefined],
      ["twirl_repeat", repeat === 0 ? undefined : repeat],
      ["twirl_angle", Number.isNaN(angle) ? undefined : angle],
    ];
    return all.filter((pair): pair is [string, InfoValue] => pair[1] !== undefined);
  }

  #tensorOf(key: "stress" | "virial", i: number): [string, InfoValue][] {
    const array = this.#arrays[key];
    if (array === undefined) return [];
    const size = array.data.length / this.count;
    return [[key, [...array.data.subarray(size * i, size * (i + 1))]]];
  }

  #cellOf(i: number): Pick<NumberedFrame, "cell" | "pbc"> {
    const { cells, pbc } = this.#arrays;
    const of = ({ data }: NpyArray, size: number) =>
      Float64Array.from(data.length === size ? data : data.subarray(size * i, size * (i + 1)));
    const cell = cells && of(cells, 9);
    if (cell?.every(Number.isFinite) === false) {
      const fix = "Calculate the frame again, or remove it. Cells are in Angstrom.";
      throw new Unusable("cells that cannot be read", undefined, "its cell has numbers that are not finite", fix);
    }
    const all = cell !== undefined;
    const [a = all, b = all, c = all] = pbc === undefined ? [] : Array.from(of(pbc, 3), (value) => value !== 0);
    return { ...(cell && { cell }), pbc: [a, b, c] };
  }

  /** The atoms of a frame, and where the first coordinate of each is. */
  #atomsOf(i: number): { element: number; at: number }[] {
    const { data } = this.#arrays.numbers;
    const atoms: { element: number; at: number }[] = [];
    for (let a = 0; a < this.atoms; a++) {
      const element = data[this.own ? i * this.atoms + a : a]!;
      if (this.own && element === 0) continue;
      if (!(Number.isInteger(element) && element >= 1 && element <= 118)) {
        const { reason, message, fix } = symbolFault(String(element));
        throw new Unusable(reason, undefined, `atom ${a + 1} of ${this.atoms}: ${message}`, fix);
      }
      atoms.push({ element, at: 3 * (i * this.atoms + a) });
    }
    if (atoms.length === 0) throw new Unusable("no atoms", undefined, "a frame of 0 atoms", "Remove the empty frame.");
    return atoms;
  }
}

/** Which copy of how many each is, by the frames they are copies of, in their order. */
export function copiesOf(frames: ArrayLike<number>): NpzCopies {
  const rows = new Map<number, number[]>();
  for (let i = 0; i < frames.length; i++) {
    const own = rows.get(frames[i]!);
    if (own === undefined) rows.set(frames[i]!, [i]);
    else own.push(i);
  }
  return new Map([...rows.values()].flatMap((own) => own.map((i, k) => [i, [k + 1, own.length]] as const)));
}

function same(shape: readonly number[], expected: readonly number[]): boolean {
  return shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);
}

/** (frames), and (frames, 1) as MD17 has it. */
function isOnePerFrame({ shape }: NpyArray, frames: number): boolean {
  return (
    shape.reduce((product, size) => product * size, 1) === frames && shape.filter((size) => size !== 1).length <= 1
  );
}
