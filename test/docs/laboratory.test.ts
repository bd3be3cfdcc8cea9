import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { describe, expect, it } from "vitest";
import { experimentOf, laboratoryPage, readRecords, recordText, titleOf } from "../../scripts/laboratory.ts";
import { experiments } from "../../src/experiments/list.ts";
import { type ExperimentResults, outcomeOf } from "../../src/experiments/results.ts";

const folder = fileURLToPath(new URL("../../docs/laboratory", import.meta.url));

it("docs/laboratory/README.md is what the results say (else: npm run docs:laboratory)", async () => {
  const file = join(folder, "README.md");
  const made = await format(laboratoryPage(folder), { ...(await resolveConfig(file)), filepath: file });
  expect(readFileSync(file, "utf8")).toBe(made);
});

it("docs/experiments.md has a row for each experiment, in the order of the list", () => {
  const text = readFileSync(join(folder, "..", "experiments.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([a-z]+)` +\|/gm)].map(([, name]) => name);
  expect(rows).toEqual(experiments.map(({ name }) => name));
});

describe("the committed results", () => {
  const records = readRecords(folder);

  it("are there", () => expect(records.length).toBeGreaterThan(0));

  it.each(records.map((record) => [`${record.experiment} on ${record.data.source}`, record] as const))(
    "%s: the verdict is that of today's rule",
    (_, record) => {
      const { claim, rule, question, verdict } = experimentOf(record);
      expect(record).toMatchObject({ claim, rule, question });
      const found = verdict(outcomeOf(record));
      expect(record.verdict).toMatchObject({ verdict: found.verdict, reason: found.reason });
    },
  );

  it("have their verdicts in the README", () => {
    const readme = readFileSync(join(folder, "..", "..", "README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| (.+?) +\| .* \| (holds|does not hold|not decided) +\|$/gm)];
    const found = new Map(rows.map(([, title, verdict]) => [title, verdict]));
    expect(found).toEqual(new Map(records.map((record) => [titleOf(record), record.verdict.verdict])));
  });

  it("have numbers of six digits and no means, and are small", () => {
    const results = { type: "experiment", steps: 1500, means: [1], runs: [{ seed: 1, value: 1 / 3, stdErr: null }] };
    const text = recordText(results as unknown as ExperimentResults);
    expect(JSON.parse(text)).toEqual({ type: "experiment", steps: 1500, runs: [{ seed: 1, value: 0.333333 }] });
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).length).toBeLessThan(200_000);
  });
});
