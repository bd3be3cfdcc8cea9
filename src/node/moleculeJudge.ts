import type { MoleculeJudge } from "../molecules/judgedSet.ts";
import { largestPart, valences } from "../molecules/valences.ts";

const TOO_MANY = "too many bonds at an atom of ";

/**
 * Judges molecules by OpenChemLib, in the sense in which EDM (arXiv 2203.17003) and MiDi (arXiv 2302.09048) count
 * RDKit's: a molecule is valid where no atom of its largest part has more bonds than its element can have, and the
 * library makes sense of it. Missing bonds are no fault.
 *
 * @param charged whether an N of four bonds counts as N+ and an O of one as O-, as where bonds come from a file with
 *   charges, which are not read
 */
export async function openChemLibJudge(charged: boolean): Promise<MoleculeJudge> {
  const { Canonizer, Molecule: Ocl } = await import("openchemlib");
  const types = new Map([
    [2, Ocl.cBondTypeDouble],
    [3, Ocl.cBondTypeTriple],
    [4, Ocl.cBondTypeDelocalized],
  ]);
  return ({ elements }, bonds) => {
    const part = largestPart(elements.length, bonds);
    const sums = valences(elements.length, bonds);
    // Hydrogens last, where the library would move them, so that numbers of other atoms and their bonds stay.
    const isHeavy = (atom: number) => elements[atom] !== 1;
    const order = [...part.atoms.filter(isHeavy), ...part.atoms.filter((atom) => !isHeavy(atom))];
    const place = new Map(order.map((atom, i) => [atom, i]));
    const own = bonds.map((_, i) => i).filter((i) => place.has(bonds[i]!.a) && bonds[i]!.order !== 10);
    const ofHeavy = own.filter((i) => isHeavy(bonds[i]!.a) && isHeavy(bonds[i]!.b));
    const inOrder = [...ofHeavy, ...own.filter((i) => !ofHeavy.includes(i))];
    const delocalized = new Set(bonds.flatMap(({ a, b, order: type }) => (type === 4 ? [a, b] : [])));
    const molecule = new Ocl(order.length, inOrder.length);
    let invalid: string | undefined;
    order.forEach((atom, i) => {
      const [element, sum] = [elements[atom]!, sums[atom]!];
      molecule.addAtom(element);
      // Of aromatic bonds the sum is not known.
      if (delocalized.has(atom)) return;
      if (charged && ((element === 7 && sum === 4) || (element === 8 && sum === 1))) {
        molecule.setAtomCharge(i, element === 7 ? 1 : -1);
      }
      if (sum > molecule.getMaxValence(i)) invalid ??= `${TOO_MANY}${molecule.getAtomLabel(i)}`;
    });
    for (const i of inOrder) {
      const { a, b, order: type } = bonds[i]!;
      molecule.setBondType(molecule.addBond(place.get(a)!, place.get(b)!), types.get(type) ?? Ocl.cBondTypeSingle);
    }
    if (invalid !== undefined) return { invalid, parts: part.parts, bonds };
    try {
      // The library fills up missing hydrogens, with which a radical would be another molecule.
      order.forEach((atom, i) => {
        if (!delocalized.has(atom) && molecule.getImplicitHydrogens(i) > 0) {
          molecule.setAtomAbnormalValence(i, sums[atom]!);
        }
      });
      const code = new Canonizer(molecule, { neglectAnyStereoInformation: true }).getIDCode();
      molecule.ensureHelperArrays(Ocl.cHelperRings);
      const aromatic = new Set(ofHeavy.filter((_, i) => molecule.isAromaticBond(i)));
      const typed = bonds.map((bond, i) => (aromatic.has(i) ? { ...bond, order: 4 } : bond));
      return { code, parts: part.parts, bonds: typed };
    } catch {
      return { invalid: "OpenChemLib makes no sense of it", parts: part.parts, bonds };
    }
  };
}
