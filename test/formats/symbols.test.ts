import { describe, expect, it } from "vitest";
import { elementSymbol } from "../../src/molecules/elements.ts";
import { parseElement, symbolFault } from "../../src/formats/symbols.ts";

const symbolOf = (token: string) => {
  const element = parseElement(token);
  return element === undefined ? undefined : elementSymbol(element);
};

describe("parseElement", () => {
  it("says what a label may be that it does not read", () => {
    expect(symbolFault("CA1").message).toBe('"CA1" may be Ca or C');
    expect(symbolFault("CB1").message).toBe('"CB1" is no element');
  });

  it.each([
    [
      "C",
      [
        "C",
        "c",
        "6",
        "6.0",
        "6.000000e+00",
        "C1",
        "C12",
        "C_3",
        "C_R",
        "C.ar",
        "C-13",
        "13C",
        "C4+",
        "C(1)",
        "C1A",
        "C1'",
        "C5*",
      ],
    ],
    ["H", ["H", "1", "D", "T", "2H", "H2", "H12A", "H+", "H-", "H_", "h7", "H5''"]],
    ["Pd", ["Pd", "PD", "Pd2+", "Pd+2", "PD2+", "Pd1", "46"]],
    ["Cl", ["Cl", "CL", "cl", "Cl-", "CL1", "Cl12", "35Cl", "cl3"]],
    ["Ca", ["Ca", "CA", "Ca1", "CA2+"]],
    ["Zn", ["Zn", "ZN1", "Zn3+2"]],
  ])("reads as %s what says so", (symbol, tokens) => {
    for (const token of tokens) expect(symbolOf(token), token).toBe(symbol);
  });

  it.each([
    "CA1",
    "HE2",
    "NE1",
    "ca1",
    "FE1",
    "CB",
    "HW1",
    "OW",
    "OXT",
    "H-Bq",
    "H_gh",
    "H:",
    "@H",
    "Gh(H)",
    "H(gh)",
    "C1_ghost",
  ])("does not guess what %s is", (token) => expect(symbolOf(token)).toBeUndefined());

  it.each([
    "X",
    "XX",
    "Xx",
    "X1",
    "Du",
    "Bq",
    "BqO",
    "Gh",
    "LP",
    "Q",
    "A",
    "R",
    "R#",
    "R1",
    "*",
    "0",
    "L",
    "M",
    "[C,N]",
    "TV",
    "?",
  ])("calls %s a placeholder", (token) => {
    expect(symbolOf(token)).toBeUndefined();
    expect(symbolFault(token).reason).toBe("dummy, ghost or query atoms");
  });

  it.each(["119", "-6", "6.5", "1e9", "", "Jx", "C-C", "water", "C".repeat(100), "0x6"])(
    "has no element for %j",
    (token) => {
      expect(symbolOf(token)).toBeUndefined();
      expect(symbolFault(token).reason).toBe("unknown symbols");
    },
  );
});
