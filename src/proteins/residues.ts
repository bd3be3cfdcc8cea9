import { requireString } from "../check.ts";

/** The twenty amino acids, the two rarer ones, and what stands for one of two. */
const standard =
  "ALA A ARG R ASN N ASP D CYS C GLN Q GLU E GLY G HIS H ILE I LEU L LYS K MET M PHE F PRO P SER S THR T TRP W TYR Y " +
  "VAL V SEC U PYL O ASX B GLX Z";

/** Modified residues and what programs call charged or bound ones, with the letter of the amino acid they come from. */
const modified =
  "MSE M FME M SME M OMT M CXM M SEP S SAC S OSE S TPO T PTR Y TYS Y TYI Y IYR Y NIY Y HYP P DPR P " +
  "MLY K M3L K MLZ K ALY K KCX K LLP K LYZ K LYN K DLY K CSO C CME C CSD C OCS C CSX C CSS C CAS C CSW C CAF C SMC C " +
  "CCS C YCM C NCY C N2C C SCH C CYX C CYM C DCY C PCA Q MEQ Q DGN Q CGU E GLH E DGL E PHD D BFD D ASH D IAS D " +
  "ASA D DAS D ABA A AIB A DAL A NLE L MLE L DLE L MVA V DVA V DIL I SAR G GL3 G HIC H NEP H MHS H DHI H HID H HIE H " +
  "HIP H HSD H HSE H HSP H AGM R CIR R ARN R DAR R MEN N DSG N DSN S DTH T BMT T DPN F PHI F DTR W TRQ W DTY Y " +
  "MED M";

const codes = new Map(
  Array.from(`${standard} ${modified}`.matchAll(/(\S+) (\S)/g), ([, name = "", letter = ""]) => [name, letter]),
);

const names = new Map(Array.from(standard.matchAll(/(\S+) (\S)/g), ([, name = "", letter = ""]) => [letter, name]));

/** What programs call water. */
const waters = new Set("HOH WAT H2O DOD SOL TIP TIP3 TIP4 TIP5 TP3 TP4 SPC T3P T4P".split(" "));

/**
 * The letter of a residue's name in any case: of the twenty amino acids, U and O for selenocysteine and pyrrolysine, B
 * and Z for what is one of two. A modified residue has the letter of the one it comes from (MSE M, SEP S), a D-amino
 * acid that of its mirror image, and a protonation state (HID, CYX) that of its residue. X for all others.
 */
export function residueCode(name: string): string {
  requireString("name", name, 'Give the name of a residue: "ALA".');
  return codes.get(name.toUpperCase()) ?? "X";
}

/** The name of the amino acid of a letter: "ALA" for "A". Undefined for X and what is no letter of one. */
export function residueName(letter: string): string | undefined {
  requireString("letter", letter, 'Give the letter of an amino acid: "A".');
  return names.get(letter.toUpperCase());
}

/** Of a name in capitals. */
export function isWater(name: string): boolean {
  return waters.has(name);
}
