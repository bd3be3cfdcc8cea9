// The table of docs/architecture.md against the imports of the sources.
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
    return [folder, words.flatMap((word) => (word === "all above" ? order.slice(0, i) : [word]))];
  }),
);

const files = ["src", "bench"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);

/** "gpu" for src/gpu/gpu.ts, "bench" for all of bench; undefined for files beside the folders of src. */
function folderOf(path: string): string | undefined {
  const parts = path.split("/");
  if (parts[0] !== "src") return parts[0];
  return parts.length > 2 ? parts[1] : undefined;
}

function importsOf(file: string): string[] {
  const found = readFileSync(join(root, file), "utf8").matchAll(/(?:from|import\(|import) ?"(\.[^"]+)"/g);
  return [...found].map(([, path = ""]) => normalize(join(dirname(file), path)));
}

it("has a row for each folder", () => {
  const folders = new Set(files.flatMap((file) => folderOf(file) ?? []));
  expect([...folders].sort()).toEqual([...order].sort());
});

describe.each(order)("%s", (folder) => {
  it("imports what the table allows", () => {
    const may = allowed.get(folder)!;
    const wrong = files
      .filter((file) => folderOf(file) === folder)
      .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
      .filter(({ target }) => {
        const other = folderOf(target);
        return other !== undefined && other !== folder && !may.includes(other);
      });
    expect(wrong).toEqual([]);
  });
});
