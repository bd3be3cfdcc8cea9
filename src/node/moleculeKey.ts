import type { Molecule as OpenChemLibMolecule } from "openchemlib";
import type { MoleculeKey } from "../molecules/identity.ts";
import type { Molecule } from "../molecules/molecule.ts";

/**
 * A function that gives a molecule's canonical code by OpenChemLib, which tells constitutions apart, but neither
 * stereoisomers nor conformers; undefined where bonds are unknown or make no sense to OpenChemLib.
 *
 * The library is loaded only here, as it takes a moment and is needed only where bonds are known.
 */
export async function openChemLibKey(): Promise<MoleculeKey> {
  const { Canonizer, Molecule: Ocl } = await import("openchemlib");
  return (molecule) => {
    if (molecule.bonds === undefined) return undefined;
    try {
      return new Canonizer(toOpenChemLib(Ocl, molecule), { neglectAnyStereoInformation: true }).getIDCode();
    } catch {
      return undefined;
    }
  };
}

/**
 * Bonds of no known order and dative ones are single here: other tables of the same molecule write them so. Hydrogen
 * bonds are none.
 */
function toOpenChemLib(Ocl: typeof OpenChemLibMolecule, { elements, bonds }: Molecule): OpenChemLibMolecule {
  const types = new Map([
    [2, Ocl.cBondTypeDouble],
    [3, Ocl.cBondTypeTriple],
    [4, Ocl.cBondTypeDelocalized],
  ]);
  const molecule = new Ocl(elements.length, bonds!.length);
  for (const element of elements) molecule.addAtom(element);
  for (const { a, b, order } of bonds!) {
    if (order !== 10) molecule.setBondType(molecule.addBond(a, b), types.get(order) ?? Ocl.cBondTypeSingle);
  }
  return molecule;
}
