import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readBenchmarkFile } from "../../bench/benchmarkFile.ts";

const folder = fileURLToPath(new URL("../../bench/results", import.meta.url));
const paths = readdirSync(folder).map((name) => join(folder, name));

test("the records of the tree take at most 3,000 KiB; the oldest go when there is no room", () => {
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(3000 * 1024);
});

test.each(paths)("%s is a condensed record that reads", (path) => {
  const { record, runs, failed } = readBenchmarkFile(path);
  expect(failed.size).toBe(0);
  expect(runs.size).toBe(record!.results.length);
  // Otherwise: npm run bench -- condense FILE FILE --force
  expect(record!.benchmarks.filter(({ run_type }) => run_type === "iteration")).toEqual([]);
});
