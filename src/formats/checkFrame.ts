import { requireMethod, requireObject, requireTyped } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Frame } from "../molecules/frame.ts";

const GIVE = "Give a frame: { elements, positions, arrays, info }, such as those of parseXyzFrames.";

/** @throws VoxtwirlError "bad-option" unless `frame` is one */
export function requireFrame(frame: unknown): asserts frame is Frame {
  requireObject("frame", frame, GIVE);
  const { elements, positions, arrays, info } = frame as Partial<Frame>;
  requireTyped("elements of the frame", elements);
  requireTyped("positions of the frame", positions);
  requireMethod("arrays of the frame", arrays, "entries", "Give a Map of columns.");
  requireMethod("info of the frame", info, "entries", "Give a Map of values.");
}

/** @throws VoxtwirlError "bad-molecule" for a frame that no extended XYZ file can hold */
export function checkFrame({ elements, positions, cell, origin, arrays, info }: Frame): void {
  const n = elements.length;
  if (n === 0 || positions.length !== 3 * n) throw unfit(`${positions.length} coordinates are not those of ${n} atoms`);
  requireFinite("positions", positions);
  requireFinite("cell", cell);
  requireFinite("origin", origin);
  if (cell && cell.length !== 9) throw unfit(`its cell has ${cell.length} numbers, not 9`);
  if (origin && origin.length !== 3) throw unfit(`its origin has ${origin.length} numbers, not 3`);
  const none = elements.find((element) => element > 118);
  if (none !== undefined) throw unfit(`it has the element ${none}`);
  for (const [name, { kind, width, values }] of arrays) {
    if (!/^[^\s:"'={}[\]\\]+$/.test(name)) throw unfit(`a column is named ${JSON.stringify(name)}`);
    if (values.length !== n * width) throw unfit(`its ${name} has ${values.length} entries, not ${n} of ${width}`);
    const bad = kind === "S" ? values.find((text) => !/^\S+$/.test(text)) : undefined;
    if (bad !== undefined) throw unfit(`its ${name} has the text ${JSON.stringify(bad)}, which is no word`);
    if (kind === "I" && !values.every(Number.isSafeInteger)) throw unfit(`its ${name} has numbers that are not whole`);
  }
  for (const key of info.keys()) {
    if (key === "" || /[\r\n]|^(properties|lattice|pbc|origin)$/i.test(key)) {
      throw unfit(`a value is named ${JSON.stringify(key)}`);
    }
  }
}

function requireFinite(name: string, values: Float64Array | undefined): void {
  if (values === undefined) return;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw unfit(`its ${name} has numbers that are not finite`);
  }
}

function unfit(what: string): VoxtwirlError {
  const fix = "Change it: an extended XYZ file cannot hold that.";
  return new VoxtwirlError("bad-molecule", `a frame cannot be written: ${what}`, fix);
}
