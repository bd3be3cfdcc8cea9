import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { condensed } from "../../bench/condense.ts";
import { condenseCommand } from "../../src/cli/benchCondense.ts";
import { renderPage } from "../../bench/page/render.ts";
import { Random } from "../../src/random.ts";
import { temporaryFolder } from "../temporary.ts";
import { sampleRecord, times } from "./sampleRecords.ts";

const folder = temporaryFolder("condense");

const random = new Random(3);
const record = sampleRecord([
  { case: "conv3d/A", times: [3, 1, 2, 4, 10] },
  { case: "conv3d/A", engine: "tfjs", times: times(random, 90, 60) },
  { case: "conv3d/B", times: [7.123456789] },
]);

test("each run is one row with its aggregates; the rest stays", () => {
  const { benchmarks, ...rest } = condensed(record);
  expect(benchmarks.map(({ name, repetitions }) => [name, repetitions])).toEqual([
    ["conv3d/A_median", 5],
    ["conv3d/A/engine:tfjs_median", 60],
    ["conv3d/B_median", 1],
  ]);
  const [ours, theirs, one] = benchmarks;
  expect(ours).toMatchObject({ run_name: "conv3d/A", run_type: "aggregate", aggregate_name: "median", iterations: 5 });
  expect(ours).not.toHaveProperty("repetition_index");
  expect([ours!.real_time, ours!.cpu_time]).toEqual([3, 2.7]);
  expect(ours!.real_statistics).toEqual({
    ...{ mean: 4, stddev: 3.53553, cv: 0.883883, ordered: [1, 2, 3, 4, 10] },
    // Of the last two over that of the first two.
    halves: 3.5,
  });
  expect(ours!.cpu_statistics!.ordered).toEqual([0.9, 1.8, 2.7, 3.6, 9]);
  expect(theirs!.real_statistics!.ordered).toHaveLength(21);
  expect(theirs).not.toHaveProperty("cpu_statistics");
  expect(one!.real_statistics).toEqual({ mean: 7.12346, stddev: 0, cv: 0, halves: 1, ordered: [7.12346] });
  expect(rest.context).toEqual(record.context);
  expect(rest.results.map(({ flops, stable }) => ({ flops, stable }))).toEqual(
    record.results.map(({ flops, stable }) => ({ flops, stable })),
  );
});

test("a condensed record stays as it is, and draws the same page", () => {
  const once = condensed(record);
  expect(condensed(once)).toEqual(once);
  const round = (html: string) => html.replace(/\d+\.\d+/g, (digits) => Number(digits).toFixed(1));
  expect(round(renderPage([once]))).toBe(round(renderPage([record])));
});

test("the command writes it, and replaces a file only by --force", async () => {
  const [full, small] = [join(folder, "full.json"), join(folder, "small.json")];
  const condense = (args: string[]) => condenseCommand().parseAsync(args, { from: "user" });
  writeFileSync(full, JSON.stringify(record));
  await condense([full, small]);
  const text = readFileSync(small, "utf8");
  expect(JSON.parse(text)).toEqual(condensed(record));
  await expect(condense([full, small])).rejects.toMatchObject({ code: "exists" });
  await condense([full, full, "--force"]);
  expect(readFileSync(full, "utf8")).toBe(text);
  await expect(condense([full])).rejects.toMatchObject({ code: "bad-option" });
  writeFileSync(full, JSON.stringify({ benchmarks: record.benchmarks }));
  await expect(condense([full, small, "--force"])).rejects.toMatchObject({ code: "bad-file" });
  expect(readFileSync(small, "utf8")).toBe(text);
});
