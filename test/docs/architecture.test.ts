// The table of docs/architecture.md, and what it says beside it, against the imports of the sources.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "./markdown.ts";

const text = readFileSync(`${root}docs/architecture.md`, "utf8");
const rows = [...text.matchAll(/^\| `(\w+)` +\|[^|]*\|([^|]*)\|$/gm)];
const order = rows.map(([, folder = ""]) => folder);
const allowed = new Map(
  rows.map(([, folder = "", may = ""], i) => {
    const words = may.split(",").map((word) => word.trim().replace(/`/g, ""));
    return [folder, words.flatMap((word) => (word === "all above" ? order.slice(0, i) : word === "" ? [] : [word]))];
  }),
);
/** Files beside the folders that all may import. */
const shared = ["src/check.ts", "src/errors.ts", "src/hostTypes.ts", "src/quantiles.ts", "src/random.ts"];

const files = ["src", "bench"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);
/** What each file imports, types included: files by their paths from the root, and Node's modules by their names. */
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const code = readFileSync(join(root, file), "utf8");
  const found = code.matchAll(/(?:\bfrom|\bimport\(|^import) ?"(\.[^"\n]+|node:\w+(?:\/\w+)?)"/gm);
  return [...found].map(([, path = ""]) => (path.startsWith(".") ? normalize(join(dirname(file), path)) : path));
}

/** "gpu" for src/gpu/gpu.ts, "bench" and "test" for all of these; undefined for files beside the folders. */
function folderOf(path: string): string | undefined {
  const parts = path.split("/");
  if (parts[0] !== "src") return parts[0];
  return parts.length > 2 ? parts[1] : undefined;
}

/** A file, what it imports, and all that these import. */
function reachedFrom(file: string): string[] {
  const reached = new Set([file]);
  for (const next of reached) for (const target of imports.get(next) ?? []) reached.add(target);
  return [...reached];
}

it("has a row for each folder", () => {
  const folders = new Set(files.flatMap((file) => folderOf(file) ?? []));
  expect([...folders].sort()).toEqual([...order].sort());
});

describe.each(order)("%s", (folder) => {
  it("imports what the table allows", () => {
    const may = [folder, ...allowed.get(folder)!];
    const wrong = files
      .filter((file) => folderOf(file) === folder)
      .flatMap((file) => imports.get(file)!.map((target) => ({ file, target })))
      .filter(({ target }) => !target.startsWith("node:") && !shared.includes(target))
      .filter(({ target }) => !may.includes(folderOf(target) ?? ""));
    expect(wrong).toEqual([]);
  });

  it("stands below all that it may import", () => {
    const above = ["shaders", ...order.slice(0, order.indexOf(folder))];
    expect(allowed.get(folder)!.filter((other) => !above.includes(other))).toEqual([]);
  });
});

it("has no circle of files, their types included", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe("what is shipped", () => {
  const foldersOf = (file: string) => new Set(reachedFrom(file).flatMap((path) => folderOf(path) ?? []));
  const outside = (file: string, ...others: string[]) => others.filter((folder) => foldersOf(file).has(folder));

  it("as the package bundles for a browser, and leaves out what is for tests and benchmarks", () => {
    expect(outside("src/index.ts", "node", "runs", "experiments", "cli", "bench", "reference", "test")).toEqual([]);
    expect(reachedFrom("src/index.ts").filter((path) => path.startsWith("node:"))).toEqual([]);
    expect(outside("src/node.ts", "experiments", "cli", "bench", "reference", "test")).toEqual([]);
  });

  it("as a page that trains denoisers loads no proteins", () => {
    expect(outside("src/trainingEntry.ts", "proteins", "node", "cli")).toEqual([]);
  });

  it("as the command takes nothing of the tests, and the twins for its benchmarks alone", () => {
    expect(outside("src/cli/main.ts", "test", "scripts")).toEqual([]);
    const withTwins = files.filter((file) => imports.get(file)!.some((target) => folderOf(target) === "reference"));
    expect([...new Set(withTwins.map(folderOf))].sort()).toEqual(["bench", "reference"]);
  });
});

it("touches Node's modules in node.ts, node, shards, runs, experiments, cli and bench alone", () => {
  const touching = files.filter((file) => imports.get(file)!.some((target) => target.startsWith("node:")));
  const folders = new Set(touching.map((file) => folderOf(file) ?? file));
  const may = ["src/node.ts", "node", "shards", "runs", "experiments", "cli", "bench"];
  expect([...folders].filter((folder) => !may.includes(folder))).toEqual([]);
});

it("names tasks in their list and in what is exported alone", () => {
  const tasks = (path: string) => /^src\/tasks\/\w+\//.test(path);
  const naming = files.filter((file) => !tasks(file) && folderOf(file) !== "bench" && imports.get(file)!.some(tasks));
  expect(naming.sort()).toEqual(["src/index.ts", "src/tasks/list.ts", "src/trainingEntry.ts"]);
});
