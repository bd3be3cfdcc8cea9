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
  const normal = symbol.slice(0, 1).toUpperCase() + symbol.slice(1).toLowerCase();
  return normal === "D" || normal === "T" ? 1 : numbers.get(normal);
}
