import { requireString } from "../check.ts";

/** Symbols of the elements by atomic number less one. */
const symbols = (
  "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr " +
  "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir " +
  "Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh " +
  "Fl Mc Lv Ts Og"
).split(" ");

const numbers = new Map(symbols.map((symbol, i) => [symbol, i + 1]));

/** The channels of QM9-like molecules, in the order of the reference's models. */
export const elements5: readonly string[] = ["C", "H", "O", "N", "F"];

/** The channels of drug-like molecules, in the order of the reference's models. */
export const elements8: readonly string[] = ["C", "H", "O", "N", "F", "S", "Cl", "Br"];

/** The symbol of an atomic number from 1 to 118. */
export function elementSymbol(atomicNumber: number): string {
  return symbols[atomicNumber - 1] ?? `?${atomicNumber}`;
}

/**
 * The atomic number of a symbol in any case ("C", "cl", "BR"; deuterium and tritium are hydrogen); undefined if there
 * is none.
 */
export function atomicNumber(symbol: string): number | undefined {
  requireString("symbol", symbol, 'Give the symbol of an element: "C".');
  const normal = symbol.slice(0, 1).toUpperCase() + symbol.slice(1).toLowerCase();
  return normal === "D" || normal === "T" ? 1 : numbers.get(normal);
}

/** Covalent radii in pm by atomic number less one, up to curium: B. Cordero et al., Dalton Trans. 2008, 2832. */
const radii = (
  "31 28 128 96 84 76 71 66 57 58 166 141 121 111 107 105 102 106 203 176 170 160 153 139 139 132 126 124 132 " +
  "122 122 120 119 120 120 116 220 195 190 175 164 154 147 146 142 139 145 144 142 139 139 138 139 140 244 215 " +
  "207 204 203 201 199 198 198 196 194 192 192 189 190 187 187 175 170 162 151 144 141 136 136 132 145 146 148 " +
  "140 150 150 260 221 215 206 200 196 190 187 180 169"
).split(" ");

/** The covalent radius of an atomic number, in Angstrom; that of curium for what comes after it. */
export function covalentRadius(atomicNumber: number): number {
  return Number(radii[Math.min(atomicNumber, radii.length) - 1]) / 100;
}
