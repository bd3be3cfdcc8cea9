import { requireArray } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { checkChain, type Chain } from "../proteins/chain.ts";

/** Most chains, and most residues of one, that the columns of their numbers hold. */
const mostChains = 9999;
const mostResidues = 99_998;

/**
 * A PDB file of C-alpha chains: of one chain its atoms; of several a MODEL for each, so that viewers show one at a time
 * (`parsePdb` reads all with `models: "all"`). Coordinates are in Angstrom, rounded to 0.001. Serial numbers begin at 1
 * in each chain; a chain without a letter is A.
 *
 * Throws "bad-molecule" for what does not fit the format's columns: coordinates outside of -999.999 to 9999.999,
 * residue numbers outside of -999 to 9999, names of residues of more than three letters, of chains and insertion codes
 * of more than one, 99,999 residues or more; "bad-option" for no chains or more than 9,999.
 */
export function encodePdb(chains: readonly Chain[]): string {
  requireArray("chains", chains, "Give chains: those of makeChain, parsePdb or parseMmcif.");
  if (chains.length < 1 || chains.length > mostChains) {
    const message = `${chains.length} chains are not possible in a PDB file`;
    throw new VoxtwirlError("bad-option", message, `Give 1 to ${mostChains}; write more to several files.`);
  }
  chains.forEach(checkChain);
  const models = chains.map((chain, index) => {
    const atoms = atomLines(chain, index);
    return chains.length === 1 ? atoms : [`MODEL     ${String(index + 1).padStart(4)}`, ...atoms, "ENDMDL"];
  });
  return `${[...models.flat(), "END"].map((line) => line.padEnd(80)).join("\n")}\n`;
}

function atomLines(chain: Chain, index: number): string[] {
  const n = chain.residues.length;
  const letter = fitting(chain.chain === "" ? "A" : chain.chain, 1, `the name of chain ${index}`);
  if (n > mostResidues) throw unfit(`chain ${index} has ${n} residues`, `at most ${mostResidues} fit`);
  let place = "";
  const lines = chain.residues.map((name, i) => {
    const residue = fitting(name, 3, `the name of residue ${i} of chain ${index}`).padStart(3);
    const number = chain.numbers[i]!;
    if (number < -999 || number > 9999) {
      throw unfit(`chain ${index} has the residue number ${number}`, "-999 to 9999 fit");
    }
    const code = chain.insertionCodes[i]!;
    const insertion = code === "" ? " " : fitting(code, 1, `an insertion code of chain ${index}`);
    place = `${residue} ${letter}${String(number).padStart(4)}${insertion}`;
    const coordinates = [0, 1, 2].map((k) => coordinate(chain.positions[3 * i + k]!, index)).join("");
    return `ATOM  ${String(i + 1).padStart(5)}  CA  ${place}   ${coordinates}  1.00  0.00           C`;
  });
  return [...lines, `TER   ${String(n + 1).padStart(5)}      ${place}`];
}

/** A coordinate in its eight columns. */
function coordinate(value: number, index: number): string {
  // No minus before zero.
  const text = (Math.round(value * 1000) / 1000 + 0).toFixed(3);
  if (text.length > 8) {
    throw unfit(`chain ${index} has a coordinate of ${text} A`, "-999.999 to 9999.999 fit; centre it");
  }
  return text.padStart(8);
}

function fitting(text: string, most: number, what: string): string {
  if (text.length <= most && /^[!-~]+$/.test(text)) return text;
  throw unfit(`${what} is ${JSON.stringify(text)}`, `1 to ${most} ${most === 1 ? "letter fits" : "letters fit"}`);
}

function unfit(message: string, limit: string): VoxtwirlError {
  return new VoxtwirlError("bad-molecule", message, `Change it: of the columns of a PDB file, ${limit}.`);
}
