import { describe, expect, it } from "vitest";
import { binaryKind, fileKind, textKind } from "../../src/node/fileKind.ts";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
/** A zip archive up to the name of its first file. */
const zip = (name: string) => `PK\x03\x04${"\0".repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}data`;

describe("fileKind", () => {
  it.each([
    ["a safetensors file", "\x09\0\0\0\0\0\0\0{}"],
    // Their headers' lengths are the first bytes of other kinds.
    ["a safetensors file", "\x80\x02\0\0\0\0\0\0{}"],
    ["a safetensors file", "\x1f\x8b\0\0\0\0\0\0{}"],
    ["a gzip file", "\x1f\x8b\x08\0\0\0\0\0\0\x03"],
    ["a zip archive", zip("molecules.sdf")],
    ["a NumPy archive (.npz)", zip("a.npy")],
    ["a PyTorch file (.pt)", zip("model/data.pkl")],
    ["a tar archive", `${"name".padEnd(257, "\0")}ustar`],
    ["a MATLAB file", "MATLAB 5.0 MAT-file, Platform: GLNXA64"],
    ["a git-lfs pointer, not the file itself", "version https://git-lfs.github.com/spec/v1\n"],
    ["an HTML page", "\n<!DOCTYPE html>\n<html>"],
    ["empty", ""],
    ["empty", " \n"],
    ["text", "1.0 2.0\n"],
    [undefined, "\x01\x02\x03\xc8"],
  ])("says %s", (name, begin) => {
    expect(fileKind(bytes(begin))?.name).toBe(name);
  });

  it("says what to do where that does not depend on what was wanted", () => {
    expect(fileKind(bytes("\x1f\x8b\x08"))).toMatchObject({ fix: "Unpack it: gunzip." });
    expect(textKind("<html>")?.fix).toContain("Download the file itself");
    expect(fileKind(bytes("%PDF-1.7"))?.fix).toBeUndefined();
  });

  it("takes what may be text for no other kind", () => {
    for (const text of ["BZh is a name\n", "MATLAB made this\n", "3\n\nC 0 0 0\n"]) {
      expect(binaryKind(bytes(text)), text).toBeUndefined();
    }
  });
});
