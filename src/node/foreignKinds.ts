/** What a file is that holds no XYZ or SDF text. */
export interface ForeignKind {
  /** With its article. */
  readonly name: string;
  readonly fix: string;
}

const unpack = "Unpack it, and give a molecule file that it holds.";
const convert = (format: string) => `Convert it, e.g. with Open Babel: obabel -i${format} FILE -O out.sdf.`;
const conversion = "Save the molecules with their 3D coordinates as XYZ or SDF.";

/** First bytes, at an offset where they are not at the beginning. */
const binaries: [bytes: string | number[], name: string, fix: string, offset?: number][] = [
  ["PK\x03\x04", "a zip archive", unpack],
  ["PK\x05\x06", "an empty zip archive", unpack],
  [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], "a bzip2 file", "Unpack it: bunzip2.", 4],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "an xz file", "Unpack it: unxz."],
  [[0x28, 0xb5, 0x2f, 0xfd], "a Zstandard file", "Unpack it: unzstd."],
  [[0x04, 0x22, 0x4d, 0x18], "an LZ4 file", "Unpack it: unlz4."],
  [[0x1f, 0x9d], "a file packed by compress", "Unpack it: gunzip."],
  ["LZIP", "an lzip file", "Unpack it: lzip -d."],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive", unpack],
  ["Rar!", "a RAR archive", unpack],
  ["ustar", "a tar archive", unpack, 257],
  ["%PDF", "a PDF document", "Give a molecule file: .xyz, .sdf or .mol."],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file", conversion],
  ["CDF\x01", "a NetCDF file", conversion],
  ["CDF\x02", "a NetCDF file", conversion],
  [[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], "a NumPy array (.npy)", conversion],
  [
    "SQLite format 3\0",
    "an SQLite database, as ASE writes",
    "Write the molecules as extended XYZ: ase convert in.db out.extxyz.",
  ],
  ["- of Ulm", "an ASE trajectory", "Write the molecules as extended XYZ: ase convert in.traj out.extxyz."],
  [[0x89, 0x50, 0x4e, 0x47], "a PNG picture", "Give a molecule file: .xyz, .sdf or .mol."],
  [[0xff, 0xd8, 0xff], "a JPEG picture", "Give a molecule file: .xyz, .sdf or .mol."],
  [[0x80, 0x02], "a Python pickle", conversion],
  [[0x80, 0x03], "a Python pickle", conversion],
  [[0x80, 0x04, 0x95], "a Python pickle", conversion],
  [[0x80, 0x05, 0x95], "a Python pickle", conversion],
  [[0xd0, 0xcf, 0x11, 0xe0], "an Office document", conversion],
];

/** What bytes are by their beginning; undefined where they may be text. */
export function binaryKind(bytes: Uint8Array): ForeignKind | undefined {
  const found = binaries.find(([first, , , offset = 0]) => {
    const wanted = typeof first === "string" ? Array.from(first, (char) => char.charCodeAt(0)) : first;
    return wanted.every((byte, i) => bytes[offset + i] === byte);
  });
  if (found === undefined) return bytes[8] === 0x7b && bytes[7] === 0 && bytes[6] === 0 ? safetensors : undefined;
  const [, name, fix] = found;
  return name === "a zip archive" && zipHolds(bytes, ".npy")
    ? { name: "a NumPy archive (.npz)", fix: conversion }
    : { name, fix };
}

const safetensors = { name: "a safetensors file", fix: "Give molecules with --data, and the model with --model." };

/** Whether the first file of a zip archive has this extension. */
function zipHolds(bytes: Uint8Array, extension: string): boolean {
  const length = (bytes[26] ?? 0) + 256 * (bytes[27] ?? 0);
  return String.fromCharCode(...bytes.subarray(30, 30 + Math.min(length, 1000))).endsWith(extension);
}

/** Beginnings of texts of other kinds. */
const texts: [begins: RegExp, name: string, fix: string][] = [
  [/^version https:\/\/git-lfs/, "a git-lfs pointer, not the file itself", "Fetch the file: git lfs pull."],
  [
    /^(<!doctype html|<html|<head|<body)/i,
    "an HTML page",
    "Download the file itself: this page is what came in its place.",
  ],
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
  [/^%\w+ *=|^#[nptNPT]? *[A-Za-z]/, "a Gaussian input", convert("com")],
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
  if (begin === "") return { name: "empty", fix: "Is it the right file, and was it written to its end?" };
  const found = texts.find(([begins]) => begins.test(begin));
  if (found !== undefined) return { name: found[1], fix: found[2] };
  const lines = begin
    .split("\n")
    .slice(0, 5)
    .filter((line, i) => i === 0 || line.trim() !== "");
  if (!lines.every((line) => smiles.test(line.trim())) || !/^[^\s\d]*[cC]/.test(lines[0])) return undefined;
  return {
    name: "a list of SMILES, without coordinates",
    fix: "Make 3D coordinates first, e.g. with Open Babel: obabel -ismi FILE -O out.sdf --gen3d.",
  };
}
