import { atomicNumber, elementSymbol } from "../molecules/elements.ts";
import { quoted } from "./lines.ts";

/** A label of another program: isotope, symbol, and what may follow a symbol without making another atom of it. */
const label = /^(\d{1,3})?([A-Za-z]{1,2})(\d[\w'"*+-]{0,8}|[+-]{1,4}|[+-]\d{1,3}|[._][\w.]{0,8}|\(\d{1,4}\))?$/;
const charge = /^(\d?[+-]{1,4}|[+-]\d)$/;

/** What programs call sites without a nucleus, query atoms, and places where something else is to be attached. */
const placeholder = /^(xx?\d*|[aqlm*?0]|ah|_?[rx]_?\d*|r[#']|du\w{0,4}|lp\d*|tv|vc|pol|mod|any|\[.*|.*\bnot\b.*)$/i;
const ghost = /gh|bq|[@:]/i;

/**
 * The atomic number that a column of an XYZ file stands for: a symbol in any case, a number from 1 to 118, or a label
 * that begins with a symbol and goes on with digits, a charge or a type (C1, H12A, Pd2+, 13C, C_3, C.ar). Undefined
 * for anything else: dummy and ghost atoms, names as CB and HW, and CA1, which may be calcium or a carbon.
 */
export function parseElement(token: string): number | undefined {
  if (token.length <= 2) {
    const element = atomicNumber(token);
    if (element !== undefined) return element;
  }
  if (token.length > 16) return undefined;
  if (/^\d/.test(token) && /^\d{1,3}(\.0*)?([eE][+-]?\d{1,2})?$|^\d\.\d+[eE][+-]?\d{1,2}$/.test(token)) {
    const value = Number(token);
    return Number.isInteger(value) && value >= 1 && value <= 118 ? value : undefined;
  }
  const parts = label.exec(token);
  if (parts === null || ghost.test(token)) return undefined;
  const [, isotope, symbol = "", suffix = ""] = parts;
  return isotope === undefined && isAmbiguous(symbol, suffix) ? undefined : atomicNumber(symbol);
}

/** Whether two letters before a number may be an element and a name of one atom: CA1, HE2, and ca1. */
function isAmbiguous(symbol: string, suffix: string): boolean {
  if (symbol.length < 2 || /^[A-Z][a-z]$/.test(symbol) || /^(cl|br)$/i.test(symbol)) return false;
  return !charge.test(suffix) && suffix !== "" && atomicNumber(symbol.charAt(0)) !== undefined;
}

export interface SymbolFault {
  readonly reason: string;
  readonly message: string;
  readonly fix: string;
}

/** Why a symbol is no element, and what to do about it. */
export function symbolFault(token: string): SymbolFault {
  const message = `${quoted(token)} is no element`;
  if (placeholder.test(token) || ghost.test(token)) {
    const fix = "Remove query atoms, R groups, dummies and ghosts: only real atoms have a place in a molecule.";
    return { reason: "dummy, ghost or query atoms", message, fix };
  }
  const [, , symbol = "", suffix = ""] = label.exec(token) ?? [];
  const element = atomicNumber(symbol);
  if (element !== undefined && isAmbiguous(symbol, suffix)) {
    const either = `${quoted(token)} may be ${elementSymbol(element)} or ${symbol.charAt(0).toUpperCase()}`;
    return { reason: "unknown symbols", message: either, fix: "Write the element's symbol alone." };
  }
  const fix =
    "Write symbols of elements (C, Cl, Fe) or atomic numbers; names of force fields and residues are not read.";
  return { reason: "unknown symbols", message, fix };
}
