import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import { parseXyzFrames } from "../../src/formats/xyzStream.ts";
import { twirlMark } from "../../src/frames/twirlKeys.ts";
import { readFrameFile } from "../../src/node/frameFile.ts";
import { readNpy } from "../../src/node/npy.ts";
import { npzBytes, rmd17 } from "../formats/npzBytes.ts";
import { randomArray } from "../harness.ts";
import { npyBytes } from "../node/npyBytes.ts";
import { temporaryFolder } from "../temporary.ts";
import { useBuiltCommand } from "./built.ts";

const command = useBuiltCommand();
const folder = temporaryFolder("rotate");
const file = (name: string) => join(folder, name);
const rotate = (data: string, out: string, ...more: string[]) =>
  command.run(["rotate", "--data", data, "--out", file(out), ...more]);

const frames =
  '2\nLattice="5 0 0 0 6 0 0 0 7" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 charge=1\n' +
  "O 1 2 3 4 5 6\nH 1 2 4 0 0 0\n" +
  "2\n\nQq 1 2 3\nH 0 0 0\n" +
  "1\n\nAr 1e-3 2 3\n";
writeFileSync(file("in.extxyz"), frames);
const [third, half] = [
  [
    [-0.5, -0.866025, 0],
    [0.866025, -0.5, 0],
    [0, 0, 1],
  ],
  [1, 0, 0, 0, -1, 0, 0, 0, -1],
];
const groups = {
  "d3.json": { generators: [third, half] },
  "c2.json": [[1, 0, 0, 0, 1, 0, 0, 0, 1], half],
  "open.json": { matrices: [[1, 0, 0, 0, 1, 0, 0, 0, 1], third] },
  "rows.json": { generators: [[1, 0, 0]] },
  "words.json": { matrixes: [half] },
};
for (const [name, group] of Object.entries(groups)) writeFileSync(file(name), JSON.stringify(group));
writeFileSync(file("grids.npy"), npyBytes([1, 2, 2, 2], Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)));

describe("voxtwirl rotate", () => {
  it("writes copies with ten digits, and says what it leaves out", async () => {
    const { code, stdout, stderr } = await rotate(file("in.extxyz"), "out.extxyz", "--twirl", "3", "--seed", "1");
    expect([code, stderr]).toEqual([
      0,
      'voxtwirl: 1 of 3 records left out: record 2 (line 7): expected atom 1 of 2, but "Qq" is no element\n',
    ]);
    expect(stdout).toBe(
      `${file("out.extxyz")}: 3 copies of each of 2 frames of ${file("in.extxyz")}, turned by so3, seed 1\n` +
        "Copies are without forces, energy.\n",
    );
    const text = readFileSync(file("out.extxyz"), "utf8");
    expect(text.split("\n")[2]).toMatch(/^O( -?\d\.\d{10}){3}$/);
    expect(text).not.toMatch(/energy|forces/);
    const copies = parseXyzFrames(text);
    expect(copies.map((copy) => [twirlMark(copy)!.frame, twirlMark(copy)!.copy, copy.info.get("charge")])).toEqual([
      ...[1, 2, 3].map((copy) => [1, copy, 1]),
      ...[1, 2, 3].map((copy) => [3, copy, undefined]),
    ]);
    expect(copies[0]!.pbc).toEqual([true, true, true]);
    const [a, b, c] = [0, 3, 6].map((at) => Math.hypot(...copies[1]!.cell!.subarray(at, at + 3)));
    expect([a, b, c].map((length) => Number(length!.toFixed(8)))).toEqual([5, 6, 7]);
    // The same again, packed, from a pipe, and as JSON.
    const piped = await command.run(
      ["rotate", "--data", file("in.extxyz"), "--out", file("out.xyz.gz"), "--twirl", "3", "--seed", "1", "--json"],
      {},
    );
    expect(gunzipSync(readFileSync(file("out.xyz.gz"))).toString()).toBe(text);
    expect(JSON.parse(piped.stdout)).toMatchObject({
      ...{ type: "rotate", group: "so3", twirl: 3, seed: 1, frames: 2, copies: 6, leftOut: ["forces", "energy"] },
      remarks: [expect.stringContaining("record 2 (line 7)")],
    });
  });

  it("turns by a group of matrices from a file, which copies name and count", async () => {
    const { code, stdout } = await rotate(file("in.extxyz"), "d3.extxyz", "--group", file("d3.json"));
    expect([code, stdout]).toEqual([0, expect.stringContaining("6 copies of each of 2 frames")]);
    const copies = parseXyzFrames(readFileSync(file("d3.extxyz"), "utf8"));
    expect(copies.map(twirlMark).map((mark) => [mark!.group, mark!.order])).toEqual(Array(12).fill(["d3", 6]));
    // A list alone is one of matrices; those of the cube turn voxels too.
    const c2 = await rotate(file("grids.npy"), "c2.npy", "--group", file("c2.json"));
    expect([c2.code, c2.stdout]).toEqual([0, expect.stringContaining("(1, 2, 2, 2, 2, 1)")]);
  });

  it("overwrites nothing", async () => {
    writeFileSync(file("there.xyz"), "mine");
    const { code, stderr } = await rotate(file("in.extxyz"), "there.xyz");
    expect([code, stderr, readFileSync(file("there.xyz"), "utf8")]).toEqual([
      1,
      expect.stringContaining("there.xyz exists already"),
      "mine",
    ]);
  });

  it("writes .npz of .npz, or extended XYZ", async () => {
    writeFileSync(file("in.npz"), npzBytes(rmd17));
    const { code, stdout } = await rotate(file("in.npz"), "out.npz", "--group", "octahedral");
    expect([code, stdout]).toEqual([0, expect.stringContaining("24 copies of each of 2 frames")]);
    expect(stdout).toContain("Copies are without forces, energy.");
    expect((await rotate(file("in.npz"), "npz.extxyz", "--twirl", "2")).code).toBe(0);
    expect(parseXyzFrames(readFileSync(file("npz.extxyz"), "utf8"))).toHaveLength(4);
    const more = await rotate(file("in.npz"), "more.npz", "--twirl", "2", "--repeats", "--near-axes");
    expect([more.code, more.stderr]).toEqual([0, ""]);
    const marks: (string | undefined)[] = [];
    for await (const copy of readFrameFile(file("more.npz"))) marks.push(twirlMark(copy)!.repeat?.kind);
    expect([marks.length, marks.filter((kind) => kind === undefined).length]).toEqual([46, 4]);
    expect((await rotate(file("in.npz"), "rule.extxyz", "--group", "quadrature-5")).code).toBe(0);
    expect(parseXyzFrames(readFileSync(file("rule.extxyz"), "utf8"))).toHaveLength(168);
    expect((await rotate(file("in.extxyz"), "no.npz")).stderr).toContain("goes with an .npz file");
  });

  it("turns voxel grids exactly, with their rotations beside them", async () => {
    const [N, D, C] = [2, 3, 2];
    const grids = randomArray(N * D ** 3 * C, 1);
    writeFileSync(file("in.npy"), npyBytes([N, D, D, D, C], grids));
    const { code, stdout } = await rotate(file("in.npy"), "out.npy");
    expect([code, stdout]).toEqual([0, expect.stringContaining("(2, 24, 3, 3, 3, 2), 24 copies of each of 2 grids")]);
    const copies = await readNpy(file("out.npy"));
    expect(copies.shape).toEqual([N, 24, D, D, D, C]);
    const size = D ** 3 * C;
    const expected = [0, 1].flatMap((n) =>
      octahedralMatrices.flatMap((_, g) => [...rotateGridOctahedral(grids.slice(n * size, (n + 1) * size), D, C, g)]),
    );
    expect([...copies.data]).toEqual(expected);
    const rotations = await readNpy(file("out-rotations.npy"));
    expect([rotations.shape, [...rotations.data]]).toEqual([[24, 3, 3], octahedralMatrices.flat()]);
    // Fewer are drawn for each grid; numbers of 64 bits stay such.
    writeFileSync(
      file("wide.npy"),
      npyBytes(
        [N, D, D, D],
        Float64Array.from({ length: N * D ** 3 }, (_, i) => i / 3),
      ),
    );
    expect((await rotate(file("wide.npy"), "few.npy", "--group", "full-octahedral", "--twirl", "5")).code).toBe(0);
    const few = await readNpy(file("few.npy"));
    expect([few.shape, few.data instanceof Float64Array]).toEqual([[N, 5, D, D, D, 1], true]);
    expect((await readNpy(file("few-rotations.npy"))).shape).toEqual([N, 5, 3, 3]);
  });

  it.each<[string, string, string[], number, string]>([
    ["no-data.extxyz", "missing.xyz", [], 1, "missing.xyz does not exist"],
    ["a.txt", "in.extxyz", [], 2, "does not end in .extxyz, .xyz or .npz"],
    ["b.xyz", "in.extxyz", ["--strict"], 1, "in.extxyz, frame 2, line 7: expected atom 1 of 2"],
    ["c.xyz", "in.extxyz", ["--group", "cyclic4-z", "--twirl", "5"], 2, "more than the 4 elements of cyclic4-z"],
    [
      "c2.xyz",
      "in.extxyz",
      ["--group", "quadrature-5", "--twirl", "24"],
      2,
      "84 rotations of quadrature-5 go together",
    ],
    ["d.xyz", "in.extxyz", ["--keep", "energy"], 2, '"energy" is a label'],
    ["e.xyz", "in.extxyz", ["--group", "o4"], 2, "--group o4 is not known"],
    ["f.npy", "in.npy", ["--group", "so3"], 2, "would interpolate voxels"],
    ["f2.npy", "in.npy", ["--group", "o3"], 2, "--group o3 would interpolate voxels"],
    ["f3.npy", "in.npy", ["--group", "quadrature-5"], 2, "Exact are octahedral (quadrature-3 has the same 24)"],
    ["f4.npy", "in.npy", ["--group", file("d3.json")], 2, "--group d3 would interpolate voxels"],
    ["k.xyz", "in.extxyz", ["--group", file("open.json")], 1, "open.json: the product of matrices[1] and matrices[1]"],
    ["k2.xyz", "in.extxyz", ["--group", file("rows.json")], 1, "generators[0] is no matrix of three rows"],
    ["k3.xyz", "in.extxyz", ["--group", file("words.json")], 1, 'has "matrixes", which is not known'],
    ["k4.xyz", "in.extxyz", ["--group", file("none.json")], 1, "there is no such file"],
    ["f5.npy", "in.npy", ["--repeats"], 2, "--repeats and --near-axes go with frames of atoms"],
    ["g.xyz", "in.npy", [], 2, "does not end in .npy"],
    ["h.npy", "flat.npy", [], 1, "holds no cubic grids"],
    ["i.xyz", "faulty.xyz", [], 1, '"Qq" is no element'],
    [join("none", "j.xyz"), "in.extxyz", [], 1, "there is no such file or folder"],
  ])("leaves nothing at %s", async (out, data, more, code, message) => {
    writeFileSync(file("flat.npy"), npyBytes([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)));
    writeFileSync(file("faulty.xyz"), "1\n\nQq 0 0 0\n");
    const before = readdirSync(folder);
    const found = await rotate(file(data), out, ...more);
    expect([found.code, found.stderr]).toEqual([code, expect.stringContaining(message)]);
    expect(readdirSync(folder).sort()).toEqual(before.sort());
  });

  it.skipIf(process.platform === "win32")("leaves nothing when it is interrupted, and reads from a pipe", async () => {
    const run = (out: string) =>
      spawn(process.execPath, [command.path, "rotate", "--data", "/dev/stdin", "--out", file(out)], {
        stdio: ["pipe", "pipe", "pipe"],
      });
    const ended = (child: ReturnType<typeof run>) =>
      new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
    const whole = run("piped.extxyz");
    whole.stdin.end(frames);
    expect(await ended(whole)).toBe(0);
    expect(parseXyzFrames(readFileSync(file("piped.extxyz"), "utf8"))).toHaveLength(48);
    const child = run("interrupted.extxyz");
    const code = ended(child);
    const said = texts(child.stderr);
    const feed = setInterval(() => child.stdin.write(frames.repeat(20)), 5);
    child.stdin.on("error", () => undefined);
    await begun();
    child.kill("SIGINT");
    expect(await code).toBe(130);
    clearInterval(feed);
    expect(said()).toContain("interrupted.extxyz is not written");
    expect(existsSync(file("interrupted.extxyz"))).toBe(false);
    expect(temporary()).toEqual([]);
    // Nothing comes any more, so that it can only be ended at once.
    const waiting = run("waiting.extxyz");
    const end = ended(waiting);
    const remarks = texts(waiting.stderr);
    waiting.stdin.write(frames.repeat(400));
    await begun();
    waiting.kill("SIGINT");
    while (!remarks().includes("once more to stop at once")) await new Promise((go) => setTimeout(go, 20));
    await new Promise((go) => setTimeout(go, 300));
    waiting.kill("SIGINT");
    expect([await end, existsSync(file("waiting.extxyz")), temporary()]).toEqual([130, false, []]);
  });
});

const temporary = () => readdirSync(folder).filter((name) => name.endsWith(".tmp"));

/** That there is a temporary file says only that one can be made; what is in it, that a command has begun to write. */
async function begun(): Promise<void> {
  const isWritten = (name: string) => (statSync(file(name), { throwIfNoEntry: false })?.size ?? 0) > 0;
  while (!temporary().some(isWritten)) await new Promise((go) => setTimeout(go, 20));
}

/** What a stream has said so far. */
function texts(stream: Readable): () => string {
  let said = "";
  stream.on("data", (data: Buffer) => (said += data.toString()));
  return () => said;
}
