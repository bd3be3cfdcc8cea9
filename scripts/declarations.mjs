// The declarations of dist, for build.mjs.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** The declarations of the modules that users import. */
const entries = ["index.d.ts", "node.d.ts"];

/** A relative module specifier in a declaration file: from "./x.ts", import("./x.ts"). */
const specifier = /(\bfrom\s*|\bimport\s*\(\s*)"(\.[^"]*)\.ts"/g;

/**
 * Writes the declarations of the public modules, and of what they name, into `folder`.
 *
 * Types are not checked here: `npm run typecheck` does that.
 *
 * @throws Error with the compiler's output where a declaration cannot be made
 */
export function declarations(root, folder) {
  const tsc = createRequire(join(root, "package.json")).resolve("typescript/bin/tsc");
  try {
    const args = [tsc, "-p", join(root, "tsconfig.types.json"), "--outDir", folder];
    execFileSync(process.execPath, args, { encoding: "utf8" });
  } catch (error) {
    throw new Error(error.stdout || error.message);
  }
  // tsc rewrites extensions of imports in what it emits as JavaScript only.
  const reached = new Set();
  const queue = entries.map((name) => join(folder, name));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const text = readFileSync(path, "utf8");
    for (const [, , name] of text.matchAll(specifier)) queue.push(resolve(dirname(path), `${name}.d.ts`));
    writeFileSync(path, text.replace(specifier, '$1"$2.js"'));
  }
  for (const path of files(folder)) if (!reached.has(path)) rmSync(path);
  removeEmpty(folder);
}

function files(folder) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true });
  return all.filter((item) => item.isFile()).map((item) => join(item.parentPath ?? item.path, item.name));
}

function removeEmpty(folder) {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    if (item.isDirectory()) removeEmpty(join(folder, item.name));
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
