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
    const wrong = [
      "#else",
      "x\n#endif",
      "#ifdef A",
      "#if A",
      "#import nothing",
      "#for i in 0..2\nx",
      "#endfor",
      "${1 +}",
      "#for i in 0..K\n#endfor",
    ];
    for (const code of wrong) expect(() => run(code), code).toThrow(/^file\.wgsl:\d+: /);
  });
});

describe("integer expressions", () => {
  it("have the usual precedence", () => {
    expect(evaluateInteger("2 + 3 * (4 - N) / 2 % 5", { N: 1 })).toBe(6);
    expect(evaluateInteger("-7 / 2", {})).toBe(-3);
    expect(evaluateInteger("8 - 3 - 2", {})).toBe(3);
  });

  it("are refused when they are none", () => {
    for (const text of ["", "1 +", "(1", "1 / 0", "x", "1.5", "2 3", "a.b", "1e3;"]) {
      expect(evaluateInteger(text, {}), text).toBeUndefined();
    }
  });
});
