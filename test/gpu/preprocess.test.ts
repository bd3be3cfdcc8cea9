import { describe, expect, it } from "vitest";
import { evaluateInteger } from "../../src/gpu/expression.ts";
import { preprocess } from "../../src/gpu/preprocess.ts";

const run = (code: string, constants: Record<string, number | boolean> = {}, library: Record<string, string> = {}) =>
  preprocess({ name: "file", code }, constants, library);

describe("WGSL preprocessor", () => {
  it("keeps what its conditions select", () => {
    const code = "#ifdef A\na\n#else\nb\n#endif\n#ifndef A\nc\n#endif";
    expect(run(code, { A: true })).toBe("a");
    expect(run(code, { A: false })).toBe("b\nc");
    expect(run(code)).toBe("b\nc");
    expect(run("#ifdef A\n#ifdef B\nboth\n#else\nonly a\n#endif\n#endif", { A: true })).toBe("only a");
    expect(run("#ifdef A\n#ifdef B\nboth\n#else\nonly a\n#endif\n#endif", { B: true })).toBe("");
  });

  it("keeps the first branch whose expression is not 0", () => {
    const code = "#if N == 1\none\n#elif N > 1 && N < 4 // a few\nfew\n#elif defined(N)\nmany\n#else\nnone\n#endif";
    const kept = (constants: Record<string, number | boolean>) => run(code, constants).split("\n").slice(1);
    expect(kept({ N: 1 })).toEqual(["one"]);
    expect(kept({ N: 3 })).toEqual(["few"]);
    expect(kept({ N: 4 })).toEqual(["many"]);
    expect(run("#ifdef A\na\n#elif N > 1\nb\n#else\nc\n#endif", { A: true })).toBe("a");
    expect(run("#if defined(A) && !defined(B)\na\n#else\nb\n#endif", { A: true, B: false })).toBe("a");
    expect(run("#if 0\n#if X\n#import nothing\n#endif\n${X}\n#endif")).toBe("");
  });

  it("decides in loops, by their variables", () => {
    const code = "#for i in 0..4\n#if i % 2 == 0\n#for j in 0..i\n${i}${j}\n#endfor\n#else\nodd ${i}\n#endif\n#endfor";
    expect(run(code).split("\n")).toEqual(["odd 1", "20", "21", "odd 3"]);
  });

  it("names integers up to the end of the loop's body or the file", () => {
    const code = "#let TWICE = 2 * N\n#for i in 0..TWICE\n#let at = TWICE + i\na_${at}\n#endfor\n${TWICE}";
    expect(run(code, { N: 1 }).split("\n").slice(1)).toEqual(["a_2", "a_3", "2"]);
    expect(run("#if 1\n#let a = 7\n#else\n#let a = 8\n#endif\n${a}")).toBe("7");
    expect(() => run("#for i in 0..1\n#let a = i\n#endfor\n${a}")).toThrow(/^file\.wgsl:4: /);
    const library = { part: "#let SIZE = 3\npart ${SIZE}" };
    expect(run("#let SIZE = 4\n#import part\n${SIZE}", {}, library)).toBe("part 3\n4");
    expect(() => run("#import part\n${SIZE}", {}, library)).toThrow(/^file\.wgsl:2: /);
  });

  it("imports each file once, its imports too", () => {
    const library = { one: "#import two\nfn one() {}", two: "fn two() {}" };
    expect(run("#import two\n#import one\nmain", {}, library)).toBe("fn two() {}\nfn one() {}\nmain");
  });

  it("unrolls nested loops over expressions of constants and loop variables", () => {
    const code = "#for i in 0..N\n#for j in i..N\na_${i}_${j*10+1}\n#endfor\n#endfor";
    expect(run(code, { N: 2 }).split("\n").slice(1)).toEqual(["a_0_1", "a_0_11", "a_1_11"]);
    expect(run("#for i in 0..0\nx\n#endfor\nend")).toBe("end");
  });

  it("injects numeric constants after the enable lines, whole ones as integers", () => {
    expect(run("enable f16;\ncode", { A: 3, B: 0.5, C: true })).toBe(
      "enable f16;\nconst A = 3;\nconst B = 0.500000000f;\ncode",
    );
  });

  it("names file and line of a directive that is wrong", () => {
    const wrong: [string, number][] = [
      ["#else", 1],
      ["x\n#endif", 2],
      ["#elif 1", 1],
      ["#ifdef A", 1],
      ["\n#if 1\n#else", 3],
      ["#if\n#endif", 1],
      ["#if A\n#endif", 1],
      ["#ifdef A B\n#endif", 1],
      ["#if 0\n#elif 1 +\n#endif", 2],
      ["#if 1\n#else\n#else\n#endif", 3],
      ["#if 1\n#else\n#elif 1\n#endif", 3],
      ["#for i in 0..1\n#if i\n#endfor\n#endif", 3],
      ["#if 1\n#for i in 0..1\n#endif\n#endfor", 3],
      ["#import nothing", 1],
      ["#include nothing", 1],
      ["#for i in 0..2\nx", 1],
      ["#for i of 3\n#endfor", 1],
      ["#endfor", 1],
      ["#for i in 0..K\n#endfor", 1],
      ["x\n#for i in 0..1\n\n${1 +}\n#endfor", 4],
      ["#let a\n", 1],
      ["#let a = b", 1],
      ["#let a = 1\n#let a = 2", 2],
      ["#let a = 1\n#for a in 0..1\n#endfor", 2],
    ];
    for (const [code, line] of wrong) expect(() => run(code), code).toThrow(new RegExp(`^file\\.wgsl:${line}: `));
    expect(() => run("#let N = 1", { N: 2 })).toThrow(/^file\.wgsl:1: /);
    expect(() => run("\n#import part", {}, { part: "x\n\n${y}" })).toThrow(/^part\.wgsl:3: /);
  });
});

describe("integer expressions", () => {
  it("have the usual precedence", () => {
    expect(evaluateInteger("2 + 3 * (4 - N) / 2 % 5", { N: 1 })).toBe(6);
    expect(evaluateInteger("-7 / 2", {})).toBe(-3);
    expect(evaluateInteger("8 - 3 - 2", {})).toBe(3);
    expect(evaluateInteger("1 + 1 == 2 && 3 <= 2 || 2 * 2 >= 4 != 0", {})).toBe(1);
    expect(evaluateInteger("1 || 1 && 0", {})).toBe(1);
    expect(evaluateInteger("!(N > 2) + !N", { N: 2 })).toBe(1);
  });

  it("know what is defined, and need no right side that decides nothing", () => {
    expect(
      evaluateInteger("defined(A) + defined(B) + defined(N) + defined(toString)", { A: true, B: false, N: 0 }),
    ).toBe(2);
    expect(evaluateInteger("defined(N) && N > 2", {})).toBe(0);
    expect(evaluateInteger("!defined(N) || N > 2", {})).toBe(1);
    expect(evaluateInteger("N > 2 && 0", {})).toBeUndefined();
  });

  it("are refused when they are none", () => {
    for (const text of [
      "",
      "1 +",
      "(1",
      "1 / 0",
      "x",
      "1.5",
      "2 3",
      "a.b",
      "1e3;",
      "0 && (",
      "1 = 1",
      "1 & 1",
      "defined A",
      "A",
    ]) {
      expect(evaluateInteger(text, { A: true }), text).toBeUndefined();
    }
  });
});
