import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { callLines, type ListedCall } from "../../src/cli/tuneOutput.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const cache = temporaryFolder("tune");
// Mesa's own cache stays where it is: from an empty one compiling would take most of the time.
const env = { XDG_CACHE_HOME: cache, MESA_SHADER_CACHE_DIR: join(homedir(), ".cache"), VOXTWIRL_NO_TUNING: "" };
const files = () =>
  readdirSync(join(cache, "voxtwirl", "tuning")).map((name) => join(cache, "voxtwirl", "tuning", name));

describe("voxtwirl tune", () => {
  const ofVoxels = ["conv3d", "convTranspose3d", "conv3dGradWeight", "groupNorm", "groupNormGrad"];
  it.each([
    ["tiny", [...ofVoxels, "twirlMerge", "rotateOctahedral"]],
    ["forces-tiny", ["conv3d", "conv3dGradWeight", "layerNormGrad", "neighbourList", "neighbourAttentionGrad"]],
  ])("lists the calls of the preset %s with their variants, and writes nothing", async (preset, kernels) => {
    const args = ["tune", "--list", "--json", "--preset", preset, "--batch", "1"];
    const { code, stdout, stderr } = await command.run(args, env);
    expect(code, stderr).toBe(0);
    const { calls } = JSON.parse(stdout) as { calls: ListedCall[] };
    expect(new Set(calls.map(({ key }) => key)).size).toBe(calls.length);
    for (const kernel of kernels) {
      expect(
        calls.some(({ key }) => key.startsWith(`${kernel} `)),
        kernel,
      ).toBe(true);
    }
    for (const { variants, fallback, count } of calls) {
      expect(variants).toContain(fallback);
      expect(count).toBeGreaterThan(0);
    }
    // SwiftShader, where it is used, is unpacked into a folder beside.
    expect(existsSync(join(cache, "voxtwirl", "tuning"))).toBe(false);
  });

  it("says why each variant is chosen", async () => {
    const { code, stdout, stderr } = await command.run(
      ["tune", "--list", "--kernel", "groupNorm", "--batch", "1"],
      env,
    );
    expect(code, stderr).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^call +calls +variant +of +why$/);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect(row).toMatch(/^groupNorm .* +\d+x +\w.* \d+ {2}[\w ]+: \S/);
  });

  it("cuts reasons, and nothing else, where a terminal ends", () => {
    const why = "a row is one subgroup, and the sums of a row stay in registers";
    const call = { key: "conv3d 1", count: 2, fallback: "rows", chosen: undefined, measured: "lavapipe", variants: [] };
    const [head, row] = callLines([{ ...call, why }]);
    expect(row).toBe(`conv3d 1     2x  rows      0  lavapipe: ${why}`);
    const start = head!.indexOf("why");
    expect(callLines([{ ...call, why }], start + 30)[1]).toBe("conv3d 1     2x  rows      0  lavapipe: a row is one…");
    // However narrow: the beginning of the reason is shown.
    expect(callLines([{ ...call, why }], 20)).toEqual([head, "conv3d 1     2x  rows      0  lavapipe: a row is one…"]);
  });

  it("times a kernel's variants, keeps what it found, and forgets it when asked", async () => {
    const { code, stdout, stderr } = await command.run(["tune", "--kernel", "rotateOctahedral", "--batch", "1"], env);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^rotateOctahedral 1x24 of 16\^3x5 +1x +\w+ +\d/m);
    expect(stdout).toMatch(/^[01] of 1 calls have a faster variant; all calls together \d/m);
    const [path] = files();
    expect(stdout).toContain(path!);
    const written = JSON.parse(readFileSync(path!, "utf8")) as object;
    expect(written).toMatchObject({ format: 1, adapter: expect.any(String), choices: expect.any(Object) });

    // Whatever was faster just now, a choice that is there is told of, and used.
    const choice = { variant: "gather", ms: 1, fallback: "scatter", fallbackMs: 2 };
    writeFileSync(path!, JSON.stringify({ ...written, choices: { "rotateOctahedral 1x24 of 16^3x5": choice } }));
    const doctor = await command.run(["doctor"], env);
    expect(doctor.stdout).toContain(`faster variants for 1 calls, in ${path}`);
    const reset = await command.run(["tune", "--reset"], env);
    expect(reset).toMatchObject({ code: 0, stdout: `removed:\n  ${path}\n` });
    expect(files()).toEqual([]);
    expect((await command.run(["doctor"], env)).stdout).toMatch(/^tuning +none for this adapter: voxtwirl tune /m);
  });

  it("stops for want of time before the first call, and says how many are left", async () => {
    const { code, stdout } = await command.run(
      ["tune", "--kernel", "twirlMerge", "--seconds", "1e-9", "--batch", "1", "--json"],
      env,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ results: [], left: 1, stopped: false });
  });

  it.each([
    [["--kernel", "conv4d"], /--kernel conv4d is not known/],
    [["--preset", "huge"], /--preset huge is not known/],
    [["--seconds", "0"], /--seconds 0 is not a number above 0/],
    [["--list", "--reset"], /--list and --reset are two things/],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await command.run(["tune", ...args], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
