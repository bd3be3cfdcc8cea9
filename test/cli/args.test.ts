import { describe, expect, it } from "vitest";
import { choice, command, exits, integer, number, text } from "../../src/cli/args.ts";

const positive = { min: 0, max: 2, exclusiveMin: true };

/** What a command with these options is called with. */
function read(...args: string[]) {
  return command("train")
    .argument("[FILE]")
    .addOption(integer("--steps <N>", "how many"))
    .addOption(integer("--twirl <N>", "rotations", { min: 2, max: 24 }))
    .addOption(number("--lr <X>", "learning rate", positive))
    .addOption(number("--shift <X>", "anything"))
    .addOption(choice("--mode <MODE>", "which", ["so3", "none"]))
    .addOption(text("--out <DIR>", "where"))
    .option("--no-tuning", "without")
    .option("-q, --quiet", "say nothing")
    .action(() => undefined)
    .parse(args, { from: "user" });
}

function failure(...args: string[]): { code: string; message: string; fix: string } {
  try {
    read(...args);
  } catch (error) {
    return error as { code: string; message: string; fix: string };
  }
  throw new Error("nothing was thrown");
}

describe("a command", () => {
  it("reads options by kind, in both spellings", () => {
    const train = read("--steps", "300", "--lr=1e-4", "-q", "file.xyz", "--mode", "so3", "--no-tuning");
    expect(train.opts()).toEqual({ steps: 300, lr: 1e-4, quiet: true, mode: "so3", tuning: false });
    expect(train.args).toEqual(["file.xyz"]);
  });

  it("has no value for what was not given", () => {
    expect(read().opts()).toEqual({ tuning: true });
  });

  it("takes the last value of an option given twice, and numbers that begin with a sign", () => {
    expect(read("--steps", "3", "--steps", "4", "--shift", "-1.5").opts()).toMatchObject({ steps: 4, shift: -1.5 });
  });

  it("names an unknown option and the nearest known one", () => {
    expect(failure("--step", "3")).toMatchObject({
      code: "bad-option",
      message: expect.stringContaining("--step"),
      fix: "Did you mean --steps? See: voxtwirl help train",
    });
    expect(failure("--wholly-other")).toMatchObject({ code: "bad-option", fix: "See: voxtwirl help train" });
    expect(failure("--toString")).toMatchObject({ code: "bad-option" });
  });

  it.each([
    [["--out"], "'--out <DIR>' argument missing"],
    [["--out", "--quiet"], "--out <DIR> needs a value, not --quiet"],
    [["--out", ""], "--out is empty"],
    [["--steps", "--quiet"], "--steps --quiet is not a whole number"],
    [["--quiet=yes"], "--quiet=yes"],
    [["a", "b"], '"b"'],
  ])("refuses %j", (args, words) => {
    expect(failure(...args)).toMatchObject({ code: "bad-option", message: expect.stringContaining(words) });
  });

  const noIntegers = ["0", "-3", "1.5", "1e3", "ten", "0x10", "99999999999999999999", ""];
  it.each(noIntegers)("--steps %j is no positive integer", (value) => {
    expect(failure("--steps", value)).toMatchObject({ code: "bad-option" });
  });

  const noNumbers = ["", "x", "1,5", "NaN", "Infinity", "1e999", "0", "-1", "3"];
  it.each(noNumbers)("--lr %j is no number above 0, at most 2", (value) => {
    expect(failure("--lr", value)).toMatchObject({ code: "bad-option" });
  });

  it("shows the bounds of a range, and the choices", () => {
    expect(failure("--twirl", "1").message).toBe("--twirl 1 is not a whole number from 2 to 24");
    expect(failure("--lr", "3").message).toBe("--lr 3 is not a number above 0 and at most 2");
    expect(failure("--mode", "So3").fix).toBe("Use one of: so3, none.");
  });

  it("takes any number of arguments where the last has dots", () => {
    const bench = command("bench").argument("[SUITE...]").addOption(integer("--steps <N>", "how many"));
    bench.action(() => undefined).parse(["a", "b", "--steps", "3", "c"], { from: "user" });
    expect(bench.args).toEqual(["a", "b", "c"]);
  });

  it("names the subcommands where an argument is none of them", () => {
    const driver = command("driver").action(() => undefined);
    driver.addCommand(command("driver", "install")).addCommand(command("driver", "remove"));
    const call = () => driver.parse(["instal"], { from: "user" });
    expect(call).toThrow(expect.objectContaining({ fix: "Did you mean install or remove? See: voxtwirl help driver" }));
  });
});

it("exits sets the exit code that a function gives", async () => {
  const before = process.exitCode;
  try {
    await exits((code: number) => Promise.resolve(code))(130);
    expect(process.exitCode).toBe(130);
  } finally {
    process.exitCode = before;
  }
});
