import { VoxtwirlError } from "../errors.ts";
import { builtinMolecules } from "../molecules/builtin.ts";
import { builtinForceFrames } from "../molecules/builtinForces.ts";
import type { BuiltinName } from "../molecules/builtinNames.ts";
import type { FrameColumn, InfoValue, NumberedFrame } from "../molecules/frame.ts";

/**
 * The molecules of a built-in set as frames, with their energies and forces.
 *
 * @throws VoxtwirlError "bad-file" for the set of protein chains
 */
export function* builtinFrames(name: BuiltinName): Generator<NumberedFrame, void, undefined> {
  if (name === "builtin-backbones") {
    const message = `${name} holds protein chains, no frames of atoms`;
    throw new VoxtwirlError("bad-file", message, 'Give a file, "builtin" or "builtin-forces".');
  }
  const molecules = name === "builtin" ? builtinMolecules() : builtinForceFrames();
  for (const [i, { name: label, elements, positions, energy, forces }] of molecules.entries()) {
    const info = new Map<string, InfoValue>();
    if (label !== undefined) info.set("name", label);
    if (energy !== undefined) info.set("energy", energy);
    const arrays = new Map<string, FrameColumn>();
    if (forces !== undefined) arrays.set("forces", { kind: "R", width: 3, values: forces });
    yield { number: i + 1, elements, positions, pbc: [false, false, false], arrays, info };
  }
}
