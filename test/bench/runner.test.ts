import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { bench } from "../../bench/main.ts";
import { errorOf, judge, type BenchCase } from "../../bench/case.ts";
import { describeMachine } from "../../bench/machine.ts";
import { Peer } from "../../bench/peer.ts";
import { RecordBuilder } from "../../bench/recordBuilder.ts";
import { runCase } from "../../bench/runner.ts";
import { convCase } from "../../bench/suites/conv3d.ts";
import { resultTable } from "../../bench/table.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { expectGoogleBenchmark } from "./googleBenchmark.ts";

const folder = temporaryFolder("runner");

const roofline = { gbPerSecond: 10, gflops: 100 };
const effort = { budgetMs: 60, maxSamples: 8 };
const shape = { batch: 1, ci: 4, co: 8, size: 8, kernel: 1, stride: 1, padding: 0 } as const;
const small = (name = "conv3d/small"): BenchCase => convCase("conv3d", name, name, "conv3d", shape, true);

const started: Peer[] = [];
afterEach(() => Promise.all(started.splice(0).map((peer) => peer.close())));

function fake(how: string): Peer {
  const script = fileURLToPath(new URL("fakePeer.mjs", import.meta.url));
  const peer = new Peer(how, { command: process.execPath, args: [script, how] }, "any", { loadMs: 3000, runMs: 500 });
  started.push(peer);
  return peer;
}

async function run(cases: readonly BenchCase[], peers: readonly Peer[], signal = new AbortController().signal) {
  const gpu = await testGpu();
  const record = new RecordBuilder({ ...describeMachine(gpu), roofline, peers: [] });
  for (const benchCase of cases) {
    await runCase(benchCase, {
      gpu,
      roofline,
      peers,
      effort,
      record,
      signal,
      cacheBytes: 20_000,
      folder: join(folder, "tensors"),
      onProgress: () => {},
    });
  }
  record.note({ peers: peers.map(({ description }) => description) });
  return record.record;
}

describe("a case", () => {
  it("is timed, checked against float64, and recorded", async () => {
    const record = await run([small()], []);
    expectGoogleBenchmark(record);
    expect(record.results).toHaveLength(1);
    const result = record.results[0]!;
    expect(result).toMatchObject({
      case: "conv3d/small",
      engine: "voxtwirl",
      suite: "conv3d",
      right: true,
      flops: 2 * 512 * 4 * 8,
    });
    expect(result.error).toBeLessThan(1e-6);
    expect(result.samples).toBeGreaterThan(0);
    expect(result.p10Ms).toBeLessThanOrEqual(result.p90Ms);
    expect(result.firstMs).toBeGreaterThan(0);
    expect(result.compileMs).toBeGreaterThan(0);
    expect(result.variant).toMatch(/^conv3d KERNEL=1 /);
    // 24 KB of tensors and a cache of 20 KB: two sets.
    expect(result.sets).toBe(2);
    expect(record.benchmarks.filter(({ run_type }) => run_type === "iteration")).toHaveLength(result.samples);
  });

  it("says what memory its plan takes, where that is asked", async () => {
    const plain = small();
    const memory = { plannedBytes: 3 * 2 ** 20, lowerBoundBytes: 2 ** 21 };
    const asked: BenchCase = { ...plain, open: async (...args) => ({ ...(await plain.open(...args)), memory }) };
    const { results } = await run([asked], []);
    expect(results[0]).toMatchObject(memory);
    expect(resultTable(results, []).join("\n")).toContain("3.00 MiB (1.500)");
    expect(resultTable((await run([plain], [])).results, []).join("\n")).not.toContain("memory");
  });

  it("that computes something wrong is said to be wrong", async () => {
    const right = small("conv3d/lies");
    const lying: BenchCase = { ...right, expected: () => [{ output: "y", indices: [0], values: [1e3] }] };
    const { results } = await run([lying], []);
    expect(results[0]!.right).toBe(false);
    expect(resultTable(results, []).join("\n")).toContain("WRONG");
  });
});

describe("an error", () => {
  const outputs = new Map([
    ["y", [1, 2, 2]],
    ["sum", [10]],
  ]);

  it("is relative by norms, and judged by each output's tolerance", () => {
    const y = { output: "y", values: [1, 2, 2.3] };
    expect(errorOf(outputs, [y])).toBeCloseTo(0.3 / Math.hypot(1, 2, 2.3), 12);
    expect(errorOf(outputs, [{ output: "y", indices: [2], values: [2] }])).toBe(0);
    const sum = { output: "sum", values: [11] };
    expect(judge(outputs, [sum], 0.05).right).toBe(false);
    expect(judge(outputs, [{ ...sum, tolerance: 0.1 }], 0.05)).toEqual({ error: 1 / 11, right: true });
    expect(judge(outputs, [{ ...sum, tolerance: 0.1 }, y], 0.05).right).toBe(false);
  });

  it("is infinite where an output is missing or not a number", () => {
    expect(errorOf(outputs, [{ output: "z", values: [1] }])).toBe(Infinity);
    expect(errorOf(new Map([["y", [NaN, 1]]]), [{ output: "y", values: [0, 1] }])).toBe(Infinity);
    expect(judge(new Map([["y", []]]), [{ output: "y", values: [1] }], 1)).toEqual({ error: Infinity, right: false });
  });
});

describe("a peer", () => {
  it("takes turns with us, and its outputs are checked too", async () => {
    const record = await run([small()], [fake("right"), fake("wrong")]);
    expectGoogleBenchmark(record);
    const [ours, right, wrong] = record.results;
    expect(record.refusals).toEqual([]);
    expect(right).toMatchObject({
      engine: "right",
      right: true,
      wallMs: 5,
      firstMs: 2,
      compileMs: 1,
      workarounds: ["a workaround"],
    });
    expect(right!.gpuMs).toBeUndefined();
    expect(right!.ratio).toBeGreaterThan(0);
    expect(ours!.ratio).toBeUndefined();
    expect(wrong).toMatchObject({ engine: "wrong", right: false, error: 1 });
    expect(record.context.peers).toContainEqual({ name: "right", version: "1.2.3", notes: ["2 threads"] });
    expect(record.benchmarks.some(({ name }) => name === "conv3d/small/engine:right_median")).toBe(true);
  });

  it("that refuses, is missing, or writes nothing is told in its own words", async () => {
    const peers = ["refuses", "missing", "writesNothing"].map(fake);
    const { results, refusals } = await run([small(), small("conv3d/again")], peers);
    expect(results.map(({ engine }) => engine)).toEqual(["voxtwirl", "voxtwirl"]);
    const of = (engine: string) => refusals.filter((refusal) => refusal.engine === engine);
    expect(of("refuses").map((r) => r.case)).toEqual(["conv3d/small", "conv3d/again"]);
    expect(of("refuses")[0]).toMatchObject({ why: "unsupported", message: "only Conv2d is supported" });
    expect(of("missing")).toEqual([
      { case: "*", engine: "missing", why: "missing", message: "the package fake is not installed" },
    ]);
    expect(of("writesNothing")[0]!.message).toMatch(/outputs cannot be read/);
  });

  it("that dies, hangs or babbles is told, stopped and started anew, and nothing else fails", async () => {
    const peers = ["dies", "hangs", "hangsLater", "babbles"].map(fake);
    const { results, refusals } = await run([small(), small("conv3d/again")], peers);
    expect(results).toHaveLength(2);
    const said = (engine: string) => refusals.filter((r) => r.engine === engine).map(({ message }) => message);
    expect(said("dies")).toHaveLength(2);
    expect(said("dies")[1]).toMatch(/exit code 3[^]*the engine says why it dies/);
    expect(said("hangs")[1]).toMatch(/no answer to 'load' within 3 s/);
    expect(said("hangsLater")[1]).toMatch(/no answer to 'run'/);
    expect(said("babbles")[1]).toMatch(/no reply, and was stopped: this is no JSON/);
  });

  it("is left alone after three deaths in a row", async () => {
    const { refusals } = await run(
      ["a", "b", "c", "d"].map((name) => small(`conv3d/${name}`)),
      [fake("dies")],
    );
    expect(refusals.at(-1)!.message).toMatch(/died 3 times in a row/);
  });
});

describe("a run that is stopped", () => {
  it("keeps what was measured and says so", async () => {
    const gpu = await testGpu();
    const abort = new AbortController();
    const path = join(folder, "stopped.json");
    const stopping: BenchCase = { ...small("conv3d/never"), data: () => (abort.abort(), small().data()) };
    const cases = [small("conv3d/one"), stopping, small("conv3d/three")];
    const record = await bench({
      gpu,
      cases,
      against: [],
      effort,
      json: path,
      signal: abort.signal,
      onProgress: () => {},
    });
    expect(record.context.interrupted).toBe(true);
    expect(record.results.map((result) => result.case)).toEqual(["conv3d/one"]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(record)));
  });
});
