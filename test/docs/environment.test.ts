import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { root } from "./markdown.ts";

const SOURCES = ["src", "bench", "scripts", "test", ".ci", "package.json", "vitest.config.ts", ":!test/docs"];
const namesIn = (text: string) => [...new Set(text.match(/\bVOXTWIRL_[A-Z_]+\b/g))].sort();

it("docs/environment.md has every variable of the sources, and no other", () => {
  const found = execFileSync("git", ["grep", "--untracked", "-ohI", "VOXTWIRL_[A-Z_]*", "--", ...SOURCES], {
    cwd: root,
    encoding: "utf8",
  });
  expect(namesIn(readFileSync(`${root}docs/environment.md`, "utf8"))).toEqual(namesIn(found));
});
