import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { commands } from "../../src/cli/commands.ts";
import { makeProgram } from "../../src/cli/program.ts";
import { documents, inlineCode, root, type Document } from "./markdown.ts";

/** `voxtwirl`, also as npx and the offline archive start it, up to what a shell takes for its own. */
const COMMAND = /(?:^|\s)(?:\$ )?(?:npx )?voxtwirl(?:\/run\.sh)?((?: [^\s|&;<>#]+)+)/g;
const all = documents();
const names = Object.keys(commands);

/** All commands and subcommands. */
function within(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [command, ...command.commands.flatMap(within)];
}

const options = new Set(
  within(await makeProgram(names)).flatMap((command) => command.options.map((option) => option.long)),
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
  const words = line.split(" ");
  if (words[0] === "help" || words[0] === "--help" || words[0] === "--version") return;
  const program = await makeProgram(names);
  for (const command of within(program)) if (command !== program) command.action(() => undefined);
  await program.parseAsync(words, { from: "user" });
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
    expect(named.filter((name) => !options.has(name) && !OTHERS.includes(name))).toEqual([]);
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
