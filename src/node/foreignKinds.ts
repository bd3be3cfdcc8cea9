/** What files are that hold neither XYZ or SDF text nor NumPy's archives, and what to do about them. */
import { binaryKind, textKind, type FileKind, type KindName } from "./fileKind.ts";

export interface ForeignKind {
  /** With its article, to follow "is". */
  readonly name: string;
  readonly fix: string;
}

const convert = (format: string) => `Convert it, e.g. with Open Babel: obabel -i${format} FILE -O out.sdf.`;
const conversion = "Save the molecules with their 3D coordinates as XYZ or SDF.";
const molecules = "Give a molecule file: .xyz, .sdf, .mol or .npz.";

/** Of kinds for which neither `conversion` nor the kind's own fix is the thing to do. */
const fixes: Partial<Record<KindName, string>> = {
  "a PDF document": molecules,
  "a PNG picture": molecules,
  "a JPEG picture": molecules,
  "a NumPy array (.npy)": "Save numbers, positions, energy and forces in one file: numpy.savez(file, numbers=z, ...).",
  "an empty zip archive": molecules,
  "a safetensors file": "Give molecules with --data, and the model with --model.",
  "an SQLite database": "Write ASE's as extended XYZ: ase convert in.db out.extxyz.",
  "an LMDB database":
    "Write ASE's (.aselmdb) as extended XYZ, with pip install ase-db-backends: ase.io.write('out.extxyz', " +
    "[row.toatoms() for row in ase.db.connect('in.aselmdb').select()]).",
  "an HDF5 file":
    "Write its frames as extended XYZ in Python, with h5py and ASE: ase.io.write('out.extxyz', " +
    "[ase.Atoms(numbers, xyz, info={'energy': e}) for numbers, xyz, e in ...]), in eV and Angstrom.",
  "an ASE trajectory": "Write the molecules as extended XYZ: ase convert in.traj out.extxyz.",
};

const withFix = ({ name, fix }: FileKind): ForeignKind => ({ name, fix: fixes[name] ?? fix ?? conversion });

/** What bytes are by their beginning; undefined where they may be text. */
export function foreignBytes(bytes: Uint8Array): ForeignKind | undefined {
  const kind = binaryKind(bytes);
  return kind && withFix(kind);
}

/** Beginnings of texts of other kinds. */
const texts: [begins: RegExp, name: string, fix: string][] = [
  [/^<\?xml[^]{0,2000}<(cml|molecule)|^<(cml|molecule)\b/i, "a CML file", convert("cml")],
  [/^<(\?xml|[a-z]+[\s>])/i, "an XML document", "Download the file itself, or convert it to XYZ or SDF."],
  [/^[{[]\s*["{[\]}\d]/, "JSON", conversion],
  [/^(HEADER|TITLE {5}|COMPND|REMARK|CRYST1|MODEL {5}|ATOM {2}|HETATM|AUTHOR)/, "a PDB file", convert("pdb")],
  [/^(#[^\n]*\n\s*)*data_/i, "a CIF file", convert("mmcif")],
  [/^(#[^\n]*\n\s*)*@<TRIPOS>/, "a mol2 file", convert("mol2")],
  [/^\$RXN/, "a reaction file (RXN)", "Give the molecules themselves, as SDF."],
  [/^\$RDFILE/, "an RD file", "Write the molecules as an SD file."],
  [
    /^InChI=/,
    "a list of InChI, without coordinates",
    "Make 3D coordinates first, e.g. with Open Babel: obabel -iinchi FILE -O out.sdf --gen3d.",
  ],
  // A heading of Markdown begins as a route does: charge and multiplicity have to stand above the atoms.
  [
    /^%\w+ *=|^#[nptNPT]? *[A-Za-z][^\n]*\n[^]{0,2000}?\n\s*\n *[-+]?\d+[ ,]+\d+ *\r?\n *[A-Za-z]/,
    "a Gaussian input",
    convert("com"),
  ],
  [/^\s*Entering Gaussian/, "a Gaussian output", convert("log")],
  [/^\s*\* O {3}R {3}C {3}A \*/, "an ORCA output", convert("out")],
  [/^\d+ +\S[^\n]*\n\s*1 +[A-Z]\S* +-?\d+\.\d+/, "a Tinker XYZ file", convert("txyz")],
  [/^ITEM: TIMESTEP/, "a LAMMPS dump", conversion],
  [/^>\S*[^\n]*\n[A-Z*\n-]+$/, "a FASTA file, without coordinates", conversion],
  [
    /^[^\n,;\t]*[,;\t][^\n]*\b(smiles|inchi)\b|^[^\n]*\bsmiles\b[^\n]*[,;\t]/i,
    "a table",
    "Make 3D coordinates of its molecules, and save them as SDF.",
  ],
];

/** A line of SMILES, and perhaps a name. */
const smiles = /^(Cl|Br|[BCNOPSFI]|[bcnops]|\[[^\]\s]{1,30}\]|[-=#$:/\\.@%()\d*])+([ \t][^\n]*)?$/;

/** What a text that could not be read is; undefined where it cannot be told. */
export function foreignText(text: string): ForeignKind | undefined {
  const begin = text
    .slice(0, 4000)
    .replace(/^\uFEFF/, "")
    .replace(/\r\n?/g, "\n")
    .trimStart();
  const kind = textKind(begin);
  if (kind !== undefined) return withFix(kind);
  const found = texts.find(([begins]) => begins.test(begin));
  if (found !== undefined) return { name: found[1], fix: found[2] };
  const lines = begin
    .split("\n")
    .slice(0, 5)
    .filter((line, i) => i === 0 || line.trim() !== "");
  if (!lines.every((line) => smiles.test(line.trim())) || !/^[^\s\d]*[cC]/.test(lines[0]!)) return undefined;
  return {
    name: "a list of SMILES, without coordinates",
    fix: "Make 3D coordinates first, e.g. with Open Babel: obabel -ismi FILE -O out.sdf --gen3d.",
  };
}
