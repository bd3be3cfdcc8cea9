import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL(`../../.cache/warnings-test-${process.pid}`, import.meta.url));
const program = `${folder}/program.mjs`;
const temporary = `${folder}/tmp`;

/** Stands for native code: writes to file descriptor 2 itself. */
const code = `
import { writeSync } from "node:fs";
import { withoutWarnings } from "../../src/node/hideWarnings.ts";
const limit = "artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.";
const write = (text) => writeSync(2, text);
const result = withoutWarnings(() => {
  write("Warning: maxDynamicUniformBuffersPerPipelineLayout " + limit + "\\n");
  write("a real error\\n");
  write("Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\\n    at f (/home/x/y.cpp:1)\\n\\n");
  write("another, without an end of line");
  return 5;
});
write("\\nafter " + result + "\\n");
process.stderr.write(process.stderr.isTTY + " and Node's own\\n");
`;
const ours = (isTTY: boolean) =>
  `a real error\nanother, without an end of line\nafter 5\n${isTTY || undefined} and Node's own\n`;

beforeAll(async () => {
  mkdirSync(temporary, { recursive: true });
  const stdin = { contents: code, resolveDir: folder };
  await build({ stdin, bundle: true, platform: "node", format: "esm", outfile: program, logLevel: "error" });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a shell command with the program in it prints. */
function shell(command: string, env: Record<string, string> = {}): string {
  const variables = {
    ...process.env,
    NODE: process.execPath,
    PROGRAM: program,
    TMPDIR: temporary,
    VOXTWIRL_DEBUG: "",
    ...env,
  };
  return execFileSync("sh", ["-c", command], { encoding: "utf8", env: variables, cwd: folder });
}

function hasScript(): boolean {
  try {
    return execFileSync("script", ["--version"], { encoding: "utf8" }).includes("util-linux");
  } catch {
    return false;
  }
}

describe.runIf(process.platform === "linux")("withoutWarnings", () => {
  it("keeps warnings without meaning from a pipe, and nothing else", () => {
    expect(shell('"$NODE" "$PROGRAM" 2>&1 >/dev/null | cat')).toBe(ours(false));
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.runIf(hasScript())("keeps them from a terminal, which stays one (needs script of util-linux)", () => {
    const text = shell(`script -qec '"$NODE" "$PROGRAM"' /dev/null </dev/null`);
    expect(text.replaceAll("\r", "")).toBe(ours(true));
  });

  it("leaves a file as it is: others may write to it at places of their own", () => {
    shell('"$NODE" "$PROGRAM" 2>file');
    expect(readFileSync(`${folder}/file`, "utf8")).toMatch(/^Warning: maxDynamic.*\na real error\nWarning: vk/);
  });

  it("lets all through with VOXTWIRL_DEBUG, and where no temporary file can be made", () => {
    const command = '"$NODE" "$PROGRAM" 2>&1 >/dev/null | cat';
    expect(shell(command, { VOXTWIRL_DEBUG: "1" })).toContain("Warning: maxDynamic");
    expect(shell(command, { TMPDIR: "/no such" })).toContain("Warning: maxDynamic");
  });
});
