import type { Frame, FrameColumn, InfoValue } from "../../src/molecules/frame.ts";

/** A frame without cell and values, of water unless others are given. */
export function water(parts: Partial<Frame> = {}): Frame {
  return {
    elements: Uint8Array.of(8, 1, 1),
    positions: Float64Array.of(0, 0, 0.1, 0.76, 0, -0.48, -0.76, 0, -0.48),
    arrays: new Map(),
    info: new Map(),
    ...parts,
  };
}

/** A frame as plain objects, to compare. */
export function plain({ arrays, info, ...others }: Frame): Record<string, unknown> {
  const column = ({ kind, width, values }: FrameColumn) => ({ kind, width, values: [...values] });
  return {
    ...others,
    arrays: Object.fromEntries([...arrays].map(([name, one]) => [name, column(one)])),
    info: Object.fromEntries<InfoValue>(info),
  };
}

/** @throws Error for a frame whose parts do not agree */
export function checkFrame({ elements, positions, cell, pbc, origin, arrays }: Frame): void {
  const finite = (values: Float64Array | undefined, size: number) =>
    values === undefined || (values.length === size && values.every(Number.isFinite));
  const coherent =
    elements.length > 0 &&
    elements.every((element) => element <= 118) &&
    finite(positions, 3 * elements.length) &&
    finite(cell, 9) &&
    finite(origin, 3) &&
    pbc?.length === 3 &&
    [...arrays.values()].every(({ values, width }) => values.length === width * elements.length);
  if (!coherent) throw new Error("an incoherent frame");
}
