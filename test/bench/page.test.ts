import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writePage } from "../../bench/page.ts";
import { geometricMean, groupByAdapter, outcomes, peersOf } from "../../bench/page/model.ts";
import { ratioChart } from "../../bench/page/ratios.ts";
import { renderPage } from "../../bench/page/render.ts";
import { rooflineCharts } from "../../bench/page/roofline.ts";
import type { BenchRecord } from "../../bench/record.ts";
import { temporaryFolder } from "../temporary.ts";
import { sampleRecord, type SampleCase } from "./sampleRecords.ts";

const folder = temporaryFolder("page");

const h100 = { name: "NVIDIA H100", driver: "580.95", software: false, features: [] };

/** Ours at 10 ms a case; tfjs four times as long, torch half as long, jax-js wrong on one, ort-web refused. */
function record(ms = 10, context: Partial<BenchRecord["context"]> = {}): BenchRecord {
  const cases: SampleCase[] = [
    { case: "conv3d/A", times: [ms, ms, ms], flops: 2e9, bytes: 1e7 },
    { case: "conv3d/A", engine: "tfjs", times: [40], changes: { workarounds: ["padding by concatenation"] } },
    { case: "conv3d/A", engine: "torch", times: [5], changes: { stable: false } },
    { case: "gradWeight/C", times: [ms], flops: 8e9, bytes: 1e8 },
    { case: "gradWeight/C", engine: "jax-js", times: [100], changes: { right: false, error: 1.5 } },
    { case: "noise", times: [ms], flops: 0, bytes: 8e6, changes: { gflops: 0 } },
  ];
  const message = "Only Conv2d or Conv1d are supported\nat node ConvTranspose <0>";
  return sampleRecord(cases, context, [
    { case: "gradWeight/C", engine: "ort-web", why: "failed", message },
    { case: "*", engine: "ort-wasm", why: "missing", message: "Cannot find package 'onnxruntime-web'" },
  ]);
}

const numbers = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map((match) => Number(match[1]));

test("outcomes: ratios of what is right, refusals of one case and of all", () => {
  const found = outcomes(record());
  expect(peersOf(record())).toEqual(["tfjs", "jax-js", "ort-web", "ort-wasm", "torch"]);
  const told = (name: string) =>
    Object.fromEntries(
      found.find((one) => one.name === name)!.peers.map((p) => [p.engine, p.ratio ?? p.refusal?.why ?? "wrong"]),
    );
  expect(told("conv3d/A")).toEqual({ tfjs: 4, torch: 0.5, "ort-wasm": "missing" });
  expect(told("gradWeight/C")).toEqual({ "jax-js": "wrong", "ort-web": "failed", "ort-wasm": "missing" });
  // The interleaved ratio of the record goes before that of the medians.
  const interleaved = sampleRecord([
    { case: "x", times: [10] },
    { case: "x", engine: "tfjs", times: [40], changes: { ratio: 3.5 } },
  ]);
  expect(outcomes(interleaved)[0]!.peers[0]!.ratio).toBe(3.5);
  expect(geometricMean([4, 0.25, 8])).toBeCloseTo(2, 12);
  expect(geometricMean([])).toBeUndefined();
});

test("bars reach from the line of equal times to the ratio, on a logarithmic axis", () => {
  const html = ratioChart(outcomes(record()));
  const [one] = numbers(html, /class="one" d="M([\d.]+)/g);
  const [[x, width]] = [...html.matchAll(/<rect class="bar faster" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map(
    (m) => [+m[1]!, +m[2]!],
  ) as [number[]];
  const [[left, back]] = [
    ...html.matchAll(/<rect class="bar slower native" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g),
  ].map((m) => [+m[1]!, +m[2]!]) as [number[]];
  expect(x).toBe(one);
  expect(left! + back!).toBeCloseTo(one!, 1);
  expect(width! / back!).toBeCloseTo(Math.log(4) / Math.log(2), 2);
  expect(html).toContain(">4.00× *<");
  expect(html).toContain(">0.500× ~<");
});

test("refusals and wrong results stand in the chart with the peer's words, and have no bar", () => {
  const html = ratioChart(outcomes(record()));
  expect(html).toContain(">wrong result, relative error 1.5 (in 100 ms)<");
  expect(html).toContain(">failed: Only Conv2d or Conv1d are supported…<");
  expect(html).toContain("missing: Cannot find package &#39;onnxruntime-web&#39;<");
  expect(html.match(/class="bar /g)).toHaveLength(2);
  const page = renderPage([record()]);
  expect(page).toContain("<pre>Only Conv2d or Conv1d are supported\nat node ConvTranspose &lt;0&gt;</pre>");
  expect(page).toContain("<b>ort-wasm</b>: every case");
  expect(page).toContain("tfjs: padding by concatenation");
  expect(ratioChart(outcomes(sampleRecord([{ case: "x", times: [1] }])))).toBe("");
});

test("roofline: a case at a ceiling lies on its line, others below; each is named, or in the text", () => {
  // Ceilings are 12 GB/s and 150 GFLOP/s.
  const html = rooflineCharts(
    sampleRecord([
      { case: "copy bound", times: [10 / 12], flops: 1e7, bytes: 1e7 },
      { case: "at the peak", times: [10], flops: 1.5e9, bytes: 1e7 },
      { case: "at a tenth", times: [100], flops: 1.5e9, bytes: 1e7 },
    ]),
  );
  const points = [
    ...html.matchAll(/<title>([^:]+):[^<]*<\/title>.*?<text[^>]*>([^<]*)<.*?cx="([\d.]+)" cy="([\d.]+)"/g),
  ];
  expect(points.map((match) => match[1])).toEqual(["copy bound", "at the peak", "at a tenth"]);
  expect(points.map((match) => match[2])).toEqual(["copy bound", "at the peak", "at a tenth"]);
  const [copy, peak, tenth] = points.map((match) => ({ x: Number(match[3]), y: Number(match[4]) }));
  const [x0, y0, x1, y1] = html
    .match(/class="roof" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)H/)!
    .slice(1)
    .map(Number) as [number, number, number, number];
  expect(copy!.y).toBeCloseTo(y0 + ((copy!.x - x0) * (y1 - y0)) / (x1 - x0), 0);
  expect(peak!.y).toBeCloseTo(y1, 1);
  expect(tenth!.x).toBe(peak!.x);
  expect(tenth!.y).toBeGreaterThan(y1 + 30);
  expect(renderPage([record()])).toContain("no memory: noise.");
  expect(rooflineCharts(sampleRecord([{ case: "noise", times: [1], flops: 0, changes: { gflops: 0 } }]))).toBe("");
});

test("a large suite stands apart: a roofline of its own with numbers and their key, the rest folded", () => {
  const layers = Array.from({ length: 70 }, (_, i): SampleCase => ({
    ...{ case: `voxmol/${i}`, times: [1 + i], flops: 1e9 + 1e8 * i, bytes: 1e7 },
  }));
  const cases: SampleCase[] = [
    { case: "conv3d/A", times: [10] },
    ...layers,
    { case: "voxmol/0", engine: "tfjs", times: [9] },
  ];
  const records = [sampleRecord(cases), sampleRecord(cases, { date: "2026-05-05T00:00:00Z" })];
  const html = renderPage(records);
  expect(html.match(/class="chart roofline"/g)).toHaveLength(2);
  expect(html).toMatch(/<ol class="key"><li>voxmol\/0<\/li>/);
  expect(html.match(/<g class="point">/g)).toHaveLength(71);
  expect(html).toContain("<details><summary>voxmol: 70 cases</summary>");
  // Only one of the suite has a peer: no reason to fold.
  expect(html).not.toContain("voxmol: 1 cases");
  const [before, folded] = html.split("<details>");
  expect(before!.match(/class="moment"/g)).toHaveLength(1);
  expect(folded!.match(/class="moment"/g)).toHaveLength(70);
});

test("several adapters each have a part, the one with the newest record first; records in time give a history", () => {
  const records = [
    record(5, { date: "2026-03-03T00:00:00Z", commit: "cccccccccc" }),
    record(20, { date: "2026-01-01T00:00:00Z", commit: "aaaaaaaaaa" }),
    record(1, { date: "2026-02-02T00:00:00Z", adapter: h100 }),
  ];
  const groups = groupByAdapter(records);
  expect(groups.map(({ title }) => title)).toEqual(["llvmpipe on 2 × A processor", "NVIDIA H100"]);
  expect(groups[0]!.records.map(({ context }) => context.commit)).toEqual(["aaaaaaaaaa", "cccccccccc"]);
  // The same software adapter on another processor is another machine.
  expect(groupByAdapter([record(), record(5, { cpu: "Another" })])).toHaveLength(2);
  const html = renderPage(records);
  expect([...html.matchAll(/<h2 class="adapter">(.*?)<\/h2>/g)].map((match) => match[1])).toEqual(
    groups.map(({ title }) => title),
  );
  expect(html.match(/class="moment"/g)).toHaveLength(3);
  expect(html).toContain("<b>4.50 ms</b> GPU, 4.00× faster since the first");
  expect(html).toContain("2026-01-01, aaaaaaaa: 18.0 ms");
  expect(html.match(/A history begins with the second record/g)).toHaveLength(1);
});

test("what makes a record less worth is said", () => {
  const html = renderPage([record(10, { load_avg: [3, 2, 1], dirty: true, interrupted: true })]);
  for (const text of [
    "stopped before its end",
    "load 3.0",
    "differed from the commit",
    "1 of 6 results are unstable",
  ]) {
    expect(html).toContain(text);
  }
  expect(renderPage([sampleRecord([{ case: "x", times: [1] }])])).not.toContain('class="notes"');
  const verdict = (right: boolean | undefined) =>
    renderPage([
      sampleRecord([
        { case: "x", times: [1], changes: { right } },
        { case: "y", times: [1] },
      ]),
    ]);
  expect(verdict(true)).toContain(">all right<");
  expect(verdict(false)).toContain(">1 WRONG<");
  expect(verdict(undefined)).toContain(">1 checked, all right<");
});

test("one file: balanced tags, no script, nothing from elsewhere, every text escaped, the same each time", () => {
  const evil = `<img src=x onerror="alert(1)">&'`;
  const evilRecord = sampleRecord(
    [
      { case: evil, times: [1], changes: { shape: evil, variant: evil } },
      { case: evil, engine: "tfjs", times: [2], changes: { workarounds: [evil] } },
    ],
    { adapter: { name: evil, driver: evil, software: true, features: [evil] }, cpu: evil, commit: evil },
    [{ case: evil, engine: evil, why: "failed", message: evil }],
  );
  const html = renderPage([record(), evilRecord]);
  expect(html).not.toContain("<img");
  expect(html).not.toMatch(/<script|https?:|url\((?!#)|@import|<link/);
  expect(html).not.toMatch(/NaN|Infinity|undefined/);
  expect(html).toBe(renderPage([record(), evilRecord]));
  const open: string[] = [];
  for (const [, slash, name, closed] of html
    .replace(/<style>.*?<\/style>/s, "")
    .matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(\/?)>/g)) {
    if (closed || name === "meta") continue;
    if (!slash) open.push(name!);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
});

test("the command writes the page of a folder; no folder, no records and broken ones say so", () => {
  const results = join(folder, "results");
  const out = join(folder, "deep", "bench.html");
  const run = () => writePage(results, out);
  expect(run).toThrow(/There is no folder/);
  mkdirSync(results);
  writeFileSync(join(results, "notes.txt"), "not a record");
  expect(run).toThrow(/There are no records/);
  writeFileSync(join(results, "a.json"), JSON.stringify(record()));
  writeFileSync(join(results, "b.json"), JSON.stringify(record(5)));
  expect(run()).toMatch(/bench\.html: 2 records, \d+ KiB/);
  expect(readFileSync(out, "utf8")).toBe(renderPage([record(), record(5)]));
  const { context: _, ...rest } = record();
  for (const [content, message] of [
    ["{", /b\.json is not a benchmark's record: it is not JSON/],
    ["[]", /b\.json .* it is not an object/],
    [JSON.stringify(rest), /b\.json .* context is missing/],
    [
      JSON.stringify({ ...record(), results: [{ case: "x" }] }),
      /b\.json .* results\[0\]\.suite is undefined, not a string/,
    ],
    [
      JSON.stringify({ ...record(), context: { ...record().context, date: "yesterday" } }),
      /context\.date "yesterday" is no date/,
    ],
  ] as const) {
    writeFileSync(join(results, "b.json"), content);
    expect(run).toThrow(message);
  }
});

test("the memory of steps has a column where some record has it", () => {
  const changes = { plannedBytes: 3 * 2 ** 20, lowerBoundBytes: 2 ** 21 };
  const html = renderPage([sampleRecord([{ case: "x", times: [1], changes }])]);
  expect(html).toContain('<th scope="col">memory</th>');
  expect(html).toContain("<td>3.00 MiB (1.500)</td>");
  expect(renderPage([record()])).not.toContain('<th scope="col">memory</th>');
});
