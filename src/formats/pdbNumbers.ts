/** The numbers of PDB's residues: decimal, with an insertion code, and hybrid-36 beyond 9999. */

/** Of the five columns of a residue's number and insertion code; the number is undefined where it cannot be read. */
export function residueNumber(columns: string): { number: number | undefined; insertionCode: string } {
  const code = columns.slice(4, 5);
  // Programs that run out of columns write on into the next one.
  if (/^\d{5}$/.test(columns)) return { number: Number(columns), insertionCode: "" };
  const digits = columns.slice(0, 4).trim();
  const number = /^-?\d+$/.test(digits) ? Number(digits) : hybrid36(digits);
  return { number, insertionCode: code.trim() };
}

/**
 * A number of four columns in hybrid-36: A000 is 10,000, and goes on in base 36 with capitals, then a000 with small
 * letters. Undefined for anything else.
 */
function hybrid36(text: string): number | undefined {
  if (!/^([A-Z][A-Z\d]{3}|[a-z][a-z\d]{3})$/.test(text)) return undefined;
  const first = 10 * 36 ** 3;
  const value = parseInt(text, 36) - first + 10_000;
  return text < "a" ? value : value + 26 * 36 ** 3;
}
