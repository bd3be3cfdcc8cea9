import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { useBuiltCommand } from "./built.ts";

const { run, path } = useBuiltCommand();

describe("voxtwirl", () => {
  it.each([[[]], [["--help"]], [["-h"]], [["help"]]])("%j shows the commands", async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}train +\S/m);
    expect(stdout).toMatch(/^ {2}doctor +\S/m);
  });

  it("shows its version", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: "" });
  });

  it.each(["train", "doctor"])("shows the options of %s, in two ways", async (command) => {
    const help = await run(["help", command]);
    expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^ {2}--adapter /m) });
    expect(await run([command, "--help"])).toEqual(help);
  });

  it("shows the options of bench compare, in two ways, and that bench has it", async () => {
    const help = await run(["bench", "compare", "--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/^Usage: voxtwirl bench compare \[options\] <A\.json> <B\.json>$/m);
    expect(help.stdout).toMatch(/^ {2}--fail-on-regression /m);
    expect(await run(["help", "bench", "compare"])).toEqual(help);
    const { stdout } = await run(["help", "bench"]);
    expect(stdout).toMatch(/^Usage: voxtwirl bench \[options\] \[command\] \[SUITE\.\.\.\]$/m);
    expect(stdout).toMatch(/^ {2}compare \[options\] /m);
  });

  it.each([
    [["tran"], "unknown command 'tran'", "train"],
    [["bench", "compare", "a.json"], "missing required argument 'B.json'", "help bench compare"],
    [["bench", "condense", "a.json"], "missing required argument 'CONDENSED.json'", "help bench condense"],
    [["help", "nothing"], "unknown command 'nothing'", "voxtwirl help"],
    [["nothing", "--help"], "unknown command 'nothing'", "voxtwirl help"],
    [["driver", "instal"], '"instal"', "install or remove"],
    [["--stpes"], "unknown option '--stpes'", "voxtwirl help"],
    [["toString"], "unknown command 'toString'", "voxtwirl help"],
    [["doctor", "--jsn"], "unknown option '--jsn'", "--json"],
    [["doctor", "--adapter"], "'--adapter <NAME>' argument missing", "help doctor"],
    [["doctor", "extra"], '"extra"', "help doctor"],
  ])("%j is a usage error with a way out", async (args, problem, fix) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const [first, second, ...rest] = stderr.trimEnd().split("\n");
    expect(first).toContain(problem);
    expect(second).toContain(fix);
    expect(rest).toEqual([]);
  });

  it.each([
    ["is quiet when its reader goes away", "exec 1> >(exec true); sleep 0.5; ", 141, /^$/],
    [
      "says so when its output cannot be written",
      "exec 1> /dev/full; ",
      1,
      /^voxtwirl: cannot write to standard output: ENOSPC.*\n.*space.*\n$/,
    ],
  ])("%s", { skip: process.platform !== "linux" }, (_, before, code, stderr) => {
    const result = spawnSync("bash", ["-c", `${before}"$0" "$1" help`, process.execPath, path], { encoding: "utf8" });
    expect(result.status).toBe(code);
    expect(result.stderr).toMatch(stderr);
  });

  it("shows where an error came from only when asked", async () => {
    expect((await run(["tran"], { VOXTWIRL_DEBUG: "" })).stderr).not.toContain("    at ");
    expect((await run(["tran"], { VOXTWIRL_DEBUG: "1" })).stderr).toContain("    at ");
  });
});
