import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readArgs, type ArgsSpec } from "../../src/cli/args.ts";
import { commands } from "../../src/cli/commands.ts";
import { documents, inlineCode, root, type Document } from "./markdown.ts";

/** `voxtwirl`, also as npx and the offline archive start it, up to what a shell takes for its own. */
const COMMAND = /(?:^|\s)(?:\$ )?(?:npx )?voxtwirl(?:\/run\.sh)?((?: [^\s|&;<>#]+)+)/g;
const all = documents();
const specs = await Promise.all(Object.values(commands).map((entry) => entry.load()));
const options = new Set(
  specs
    .flatMap(({ spec, subcommands = {} }) => [spec, ...Object.values(subcommands).map((sub) => sub.spec)])
    .flatMap((spec) => Object.keys(spec.options)),
);

/** Options of other programs that documents name. */
const OTHERS = ["--external:webgpu"];

/** What follows `voxtwirl` wherever a document has it: in blocks for a shell, in printed sessions and within lines. */
function commandLines(document: Document): string[] {
  const shell = document.blocks.filter(({ language, code }) => language === "sh" || code.startsWith("$ "));
  const lines = shell.flatMap(({ language, code }) =>
    code.split("\n").filter((line) => language === "sh" || line.startsWith("$ ")),
  );
  const texts = [...lines, ...inlineCode(document)];
  return texts.flatMap((text) => [...text.matchAll(COMMAND)].map(([, words = ""]) => words.trim()));
}

/** Throws as the command would where it does not take these arguments. */
async function check(line: string): Promise<void> {
  const [name = "", ...rest] = line.split(" ");
  if (name === "help" || name === "--help" || name === "--version") return;
  const entry = commands[name];
  if (!entry) throw new Error(`no command ${name}`);
  const { spec, subcommands = {} } = await entry.load();
  const sub: { readonly spec: ArgsSpec } | undefined = subcommands[rest[0] ?? ""];
  if (sub) readArgs(`${name} ${rest[0]}`, sub.spec, rest.slice(1));
  else readArgs(name, spec, rest);
}

describe.each(all)("$path", (document) => {
  it("shows commands that there are", async () => {
    const wrong: string[] = [];
    for (const line of commandLines(document)) {
      await check(line).catch((error: unknown) => wrong.push(`${line}: ${String(error)}`));
    }
    expect(wrong).toEqual([]);
  });

  it("names options that there are", () => {
    const named = inlineCode(document).flatMap((code) => /^--[\w:-]+/.exec(code) ?? []);
    expect(named.filter((name) => !options.has(name.slice(2)) && !OTHERS.includes(name))).toEqual([]);
  });

  it("names npm scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { scripts: object };
    const code = [...document.blocks.map((block) => block.code), ...inlineCode(document)].join("\n");
    const named = [...code.matchAll(/npm (?:run (?:-s |--silent )?([\w:]+)|(start|test)\b)/g)];
    expect(named.map(([, run, short]) => (run ?? short)!).filter((name) => !(name in scripts))).toEqual([]);
  });
});

it("finds the commands of the guides", () => {
  const found = all.flatMap(commandLines);
  expect(found).toContain("train --resume runs/small-1 --steps 10000");
  expect(found).toContain("driver install");
  expect(found.length).toBeGreaterThan(30);
});
