import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors.ts";
import { readChainFile } from "../../src/node/chains.ts";
import { presets as forcePresets } from "../../src/tasks/forces/presets.ts";
import { presets as voxelPresets } from "../../src/tasks/voxels/presets.ts";
import { testGpu } from "../harness.ts";
import { smallFlowModel } from "../tasks/flow/smallFlowModel.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";
import { hasTerminal, onTerminal } from "./terminal.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("sample");
const file = (name: string) => join(folder, name);
const model = file("model.safetensors");
const sample = (...args: string[]) => command.run(["sample", ...args]);
const short = ["--model", model, "--steps", "6", "--eta", "0"];

beforeAll(async () => {
  writeFileSync(model, await smallFlowModel(await testGpu()));
});

it("writes chains that our reader takes, and their geometry beside others'", async () => {
  const out = file("chains.pdb");
  const { code, stdout, stderr } = await sample(...short, "--out", out, "--count", "5", "--length", "20,12");
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(
    `${model}, preset flow-tiny, step 7\n5 chains of 12 and 20 residues, 6 steps, eta 0, seed 0`,
  );
  expect(stdout).toMatch(/^ +sampled {2}builtin-backbones$/m);
  expect(stdout).toMatch(/^chains +5 +96$/m);
  expect(stdout).toMatch(/^residues +84 +3,711$/m);
  expect(stdout).toMatch(/^ {2}3\.7 to 3\.9 A +\d+\.\d % +100\.0 %$/m);
  expect(stdout).toContain(`written: ${out}\n`);
  const { chains, leftOut } = await readChainFile(out, { models: "all" });
  expect(leftOut).toEqual([]);
  expect(chains.map(({ sequence }) => sequence.length)).toEqual([20, 12, 20, 12, 20]);
  expect(existsSync(`${out}.part`)).toBe(false);
});

it("gives programs all of it as JSON, and nothing else on stdout", async () => {
  const out = file("json.pdb");
  const data = file("chains.pdb");
  const args = [...short, "--out", out, "--count", "2", "--seed", "3", "--data", data, "--json"];
  const { code, stdout, stderr } = await sample(...args);
  expect(code, stderr).toBe(0);
  const found = JSON.parse(stdout) as { chains: { residues: number; structure: string }[] };
  expect(found).toMatchObject({
    ...{ formatVersion: 1, type: "sample", model, step: 7, steps: 6, eta: 0, seed: 3, out, data },
    sampled: { chains: 2, residues: 40, neighbours: 38 },
    compared: { chains: 1, residues: 20 },
  });
  expect(found.chains.map(({ residues, structure }) => [residues, structure.length])).toEqual([
    [20, 20],
    [20, 20],
  ]);
});

it("makes a page that stands alone, with a picture of each chain", async () => {
  const report = file("report.html");
  const args = [...short, "--out", file("paged.pdb"), "--count", "3", "--report", report];
  const { code, stdout, stderr } = await sample(...args);
  expect(code, stderr).toBe(0);
  expect(stdout).toContain(`written: ${report}`);
  const html = readFileSync(report, "utf8");
  expect([...html.matchAll(/<figcaption>([^<]*), (\d+) residues/g)].map(([, name]) => name).slice(0, 3)).toEqual([
    "chain 1",
    "chain 2",
    "chain 3",
  ]);
  expect(html).not.toMatch(/(src|href)=|:\/\/|NaN|undefined|Infinity/);
});

it("says that few steps with noise may blow up, and where they did what to do", async () => {
  const out = file("wild.pdb");
  const wild = ["--model", model, "--out", out, "--count", "1", "--steps", "8"];
  const { code, stderr } = await sample(...wild, "--eta", "1e9");
  expect(code).toBe(1);
  expect(stderr).toContain("8 steps are few for --eta 1000000000: the first ones may blow up; --eta 0 takes fewer");
  expect(stderr).toMatch(/chain 1 blew up: .*\n {2}Take more steps, or eta 0\./);
  expect(readdirSync(folder).filter((name) => name.startsWith("wild"))).toEqual([]);
});

describe("refused with what to do, and nothing written", () => {
  const other = (task: string, training: object) => {
    const data = { source: "builtin", sha256: "", splitSeed: 1, training: 1, heldout: 1, skipped: 0 };
    const config = { format: 1, version: "0", task, training, data, adapter: "" };
    writeFileSync(file(`${task}.safetensors`), encodeSafetensors([], { config: JSON.stringify(config) }));
    return file(`${task}.safetensors`);
  };
  it.each<[string, () => string[], number, RegExp]>([
    ["no model", () => ["--out", file("x.pdb")], 2, /--model is not given/],
    ["no result", () => ["--model", model], 2, /--out is not given/],
    ["lengths that are none", () => [...short, "--out", file("x.pdb"), "--length", "64,,100"], 2, /list of lengths/],
    ["a length of 1", () => [...short, "--out", file("x.pdb"), "--length", "1"], 2, /at least 2: --length 64,100/],
    ["a negative eta", () => ["--model", model, "--out", file("x.pdb"), "--eta", "-1"], 2, /--eta -1/],
    ["a result that is there", () => [...short, "--out", model], 1, /is there already\n {2}Choose another --out/],
    ["a page that is there", () => [...short, "--out", file("x.pdb"), "--report", model], 1, /another --report/],
    ["a folder that is not there", () => [...short, "--out", file("no/x.pdb")], 1, /cannot write .*no\/x\.pdb/],
    ["what is no model", () => ["--model", file("chains.pdb"), "--out", file("x.pdb")], 1, /not a valid safetensors/],
    ["molecules as data", () => [...short, "--out", file("x.pdb"), "--data", "builtin"], 1, /no protein chains/],
    [
      "a model of voxels",
      () => ["--model", other("voxels", voxelPresets.tiny!), "--out", file("x.pdb")],
      1,
      /is a model of voxels, from which nothing is sampled\n {2}Sampling from models of voxels is still to come/,
    ],
    [
      "a force field",
      () => ["--model", other("forces", forcePresets["forces-tiny"]!), "--out", file("x.pdb")],
      1,
      /is a model of forces, from which nothing is sampled\n {2}A force field says forces/,
    ],
  ])("%s", async (_, args, code, message) => {
    const result = await sample(...args());
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(code);
    expect(readdirSync(folder).filter((name) => name.startsWith("x.pdb") || name.startsWith(".vt-"))).toEqual([]);
  });
});

// What a terminal shows tells when there is something to stop.
describe.skipIf(!hasTerminal)("stopped by Ctrl-C", () => {
  const whole = file("whole.pdb");
  const long = ["--model", model, "--steps", "300", "--count", "4", "--batch", "2", "--length", "12"];
  const part = file("stopped.pdb.part");
  const again = [...long, "--out", file("stopped.pdb")];

  it("keeps what there is, and the same command goes on to the same bits", async () => {
    const line = [process.execPath, command.path, "sample", ...again].join(" ");
    const { code, output } = await onTerminal(line, 80, /[1-9]\d* of 600 steps/);
    expect(code, output).toBe(130);
    expect(output).toMatch(/stopped: [02] of 4 chains, and \d+ steps of 2 more, kept in \S+\.part; the same command/);
    expect(existsSync(file("stopped.pdb"))).toBe(false);
    expect(existsSync(part)).toBe(true);

    const others = await sample(...again, "--seed", "9");
    expect(others.stderr).toContain(`${part} is of an unfinished sampling with another --seed`);
    expect(others.code).toBe(1);

    const rest = await sample(...again);
    expect(rest.code, rest.stderr).toBe(0);
    expect(rest.stderr).toMatch(/going on from \S+\.part: [02] of 4 chains, and \d+ steps of 2 more/);
    expect(existsSync(part)).toBe(false);
    const { code: wholeCode } = await sample(...long, "--out", whole);
    expect(wholeCode).toBe(0);
    expect(readFileSync(file("stopped.pdb"))).toEqual(readFileSync(whole));
  });

  it("a part that is none is refused", async () => {
    writeFileSync(part, encodeSafetensors([], { format: "1", sampling: "{" }));
    const args = [...long, "--out", file("stopped.pdb")];
    const existing = await sample(...args);
    expect(existing.stderr).toMatch(/is there already/);
    writeFileSync(file("other.pdb.part"), encodeSafetensors([], { format: "1", sampling: "{" }));
    const broken = await sample(...long, "--out", file("other.pdb"));
    expect(broken.stderr).toMatch(/no unfinished sampling: .*\n {2}Repeat the command/);
    expect(broken.code).toBe(1);
  });
});
