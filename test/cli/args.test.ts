import { describe, expect, it } from "vitest";
import { type ArgsSpec, nearest, optionLines, readArgs } from "../../src/cli/args.ts";

const spec: ArgsSpec = {
  options: {
    steps: { value: "N", help: "how many" },
    lr: { value: "X", help: "learning rate" },
    mode: { value: "MODE", help: "which" },
    quiet: { short: "q", help: "say nothing" },
  },
  positionals: ["FILE"],
};

const read = (...args: string[]) => readArgs("train", spec, args);
const failure = (body: () => unknown) => {
  try {
    body();
  } catch (error) {
    return error as { code: string; message: string; fix: string };
  }
  throw new Error("nothing was thrown");
};

describe("readArgs", () => {
  it("reads options by kind, in both spellings", () => {
    const args = read("--steps", "300", "--lr=1e-4", "-q", "file.xyz", "--mode", "so3");
    expect(args.integer("steps")).toBe(300);
    expect(args.number("lr", { min: 0, exclusiveMin: true })).toBe(1e-4);
    expect(args.choice("mode", ["so3", "none"])).toBe("so3");
    expect(args.flag("quiet")).toBe(true);
    expect(args.positionals).toEqual(["file.xyz"]);
  });

  it("takes any number of arguments where the last has dots", () => {
    const names = readArgs("bench", { ...spec, positionals: ["[SUITE...]"] }, [
      "a",
      "b",
      "--steps",
      "3",
      "c",
    ]).positionals;
    expect(names).toEqual(["a", "b", "c"]);
    expect(failure(() => read("a", "b")).message).toMatch(/does not take the argument "b"/);
  });

  it("gives undefined for what was not given", () => {
    const args = read();
    expect([args.integer("steps"), args.number("lr"), args.choice("mode", ["a"]), args.text("mode")]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([args.has("steps"), args.flag("quiet")]).toEqual([false, false]);
  });

  it("names an unknown option and the nearest known one", () => {
    expect(failure(() => read("--step", "3"))).toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("--step"),
      fix: expect.stringContaining("--steps"),
    });
    const other = failure(() => read("--wholly-other"));
    expect(other).toMatchObject({ code: "bad-option", fix: "See: voxtwirl help train" });
    expect(failure(() => read("--toString"))).toMatchObject({ code: "bad-option" });
  });

  it.each([
    [["--steps"], "needs a value"],
    [["--steps", "--quiet"], "needs a value"],
    [["--quiet=yes"], "takes no value"],
    [["a", "b"], '"b"'],
  ])("refuses %j", (args, words) => {
    expect(failure(() => read(...args))).toMatchObject({ code: "bad-option", message: expect.stringContaining(words) });
  });

  const noIntegers = ["0", "-3", "1.5", "1e3", "ten", "0x10", "99999999999999999999", ""];
  it.each(noIntegers)("--steps %j is no positive integer", (value) => {
    expect(failure(() => read("--steps", value).integer("steps"))).toMatchObject({ code: "bad-option" });
  });

  const noNumbers = ["", "x", "1,5", "NaN", "Infinity", "1e999", "0", "-1", "3"];
  it.each(noNumbers)("--lr %j is no number above 0, at most 2", (value) => {
    const range = { min: 0, max: 2, exclusiveMin: true };
    expect(failure(() => read("--lr", value).number("lr", range))).toMatchObject({ code: "bad-option" });
  });

  it("shows the bounds of a range", () => {
    expect(failure(() => read("--steps", "1").integer("steps", { min: 2, max: 24 })).message).toContain("from 2 to 24");
  });

  it("shows the choices", () => {
    expect(failure(() => read("--mode", "So3").choice("mode", ["so3", "none"])).fix).toContain("so3, none");
  });
});

describe("optionLines", () => {
  it("aligns what options do", () => {
    expect(optionLines(spec)).toEqual([
      "  --steps N    how many",
      "  --lr X       learning rate",
      "  --mode MODE  which",
      "  -q, --quiet  say nothing",
    ]);
  });

  it("keeps within 100 columns, all words in their order and below one another", () => {
    const help = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
    const [first, ...rest] = optionLines({ options: { long: { value: "X", help } } });
    expect(first).toMatch(/^ {2}--long X {2}word0 /);
    for (const line of rest) expect(line).toMatch(/^ {12}word/);
    const lines = [first!.slice(12), ...rest.map((line) => line.slice(12))];
    expect(lines.join(" ")).toBe(help);
    expect(Math.max(...lines.map((line) => line.length + 12))).toBeLessThanOrEqual(100);
    expect(lines.length).toBeLessThan(7);
  });
});

describe("nearest", () => {
  it("allows two edits", () => {
    const known = ["train", "doctor"];
    const found = ["trian", "tran", "docto", "bench"].map((word) => nearest(word, known));
    expect(found).toEqual(["train", "train", "doctor", undefined]);
  });
});
