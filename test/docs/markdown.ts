/** The documents of the project, taken apart as far as their tests need it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Block {
  /** What follows the fence: "sh", "ts", or nothing for output. */
  readonly language: string;
  readonly code: string;
}

export interface Document {
  /** From the project's folder: "docs/training.md". */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without its blocks. */
  readonly prose: string;
}

const FENCE = /^```(.*)\n([^]*?)^```$/gm;

/** Every document that is committed or about to be. */
export function documents(): Document[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const paths = listed.split("\n").filter((path) => path !== "" && existsSync(`${root}${path}`));
  return paths.map((path) => takeApart(path, readFileSync(`${root}${path}`, "utf8")));
}

function takeApart(path: string, text: string): Document {
  const blocks = [...text.matchAll(FENCE)].map(([, language = "", code = ""]) => ({ language, code }));
  return { path, text, blocks, prose: text.replace(FENCE, "") };
}

/** Code within a line, with line breaks of the source as spaces. */
export function inlineCode({ prose }: Document): string[] {
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replace(/\s+/g, " "));
}

/** Targets of links and pictures. */
export function links({ prose }: Document): string[] {
  return [...prose.replace(/`[^`]+`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** What links may name after "#", as GitHub makes them of headings. */
export function anchors({ prose }: Document): string[] {
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replace(/ /g, "-"),
  );
}
