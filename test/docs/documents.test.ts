import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { anchors, documents, links } from "./markdown.ts";

const all = documents();
const byPath = new Map(all.map((document) => [document.path, document]));

it("README is short", () => {
  expect(Buffer.byteLength(byPath.get("README.md")!.text)).toBeLessThanOrEqual(8192);
});

describe.each(all)("$path", (document) => {
  it("links to files and headings that are there", () => {
    const broken = links(document).filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? document.path : normalize(join(dirname(document.path), file));
      if (!existsSync(path)) return true;
      const other = byPath.get(path);
      return anchor !== undefined && !(other && anchors(other).includes(anchor));
    });
    expect(broken).toEqual([]);
  });
});

it("every document can be reached from README", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    for (const target of links(byPath.get(path)!)) {
      const file = normalize(join(dirname(path), target.split("#")[0]!));
      if (byPath.has(file)) reached.add(file);
    }
  }
  expect(all.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
});
