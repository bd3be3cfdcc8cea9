// `npm test [-- --adapter NAME] [vitest's arguments]`: builds, finds an adapter, runs vitest, and ends with the line
// "N passed, N failed".
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  if (!(await build("dist", { types: true }))) return fail("the build failed, see above");
  const { adapter, rest } = takeAdapter(args);
  if (adapter !== undefined) process.env.VOXTWIRL_ADAPTER = adapter;
  const { openAdapter } = await import("../dist/node.js");
  try {
    const { name, notice } = await openAdapter({ hideWarnings: true });
    console.log(`tests run on ${notice ?? name}`);
  } catch (error) {
    return fail(`${error.message} ${error.fix ?? ""}`);
  }
  return runVitest(rest);
}

async function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), "voxtwirl-test-"));
  const counts = join(folder, "counts.json");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", `--reporter=${join(root, "scripts", "countReporter.mjs")}`];
    const child = spawn(process.execPath, [vitest, "run", ...reporters, ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "pipe"],
      env: { ...process.env, VOXTWIRL_TEST_COUNTS: counts },
    });
    passOn(child.stderr);
    const code = await ended(child);
    const result = readCounts(counts);
    if (!result) return fail(`vitest ended with ${code} before it counted its tests`);
    const { passed, failed, skipped } = result;
    if (skipped > 0) console.log(`${skipped} skipped, for the reasons above`);
    console.log(`${passed} passed, ${failed} failed`);
    return code === 0 && failed > 0 ? 1 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the tests write to standard error, without the warnings that Dawn writes of every driver of Mesa's. */
function passOn(stream) {
  const meaningless = /^Warning: maxDynamic(Uniform|Storage)BuffersPerPipelineLayout artificially reduced from .*\n/;
  let rest = "";
  stream.setEncoding("utf8").on("data", (text) => {
    const lines = `${rest}${text}`.split(/(?<=\n)/);
    // Only the beginning of such a line waits for its end.
    rest = /^Warning:[^\n]*$/.test(lines.at(-1)) ? lines.pop() : "";
    process.stderr.write(lines.filter((line) => !meaningless.test(line)).join(""));
  });
  stream.on("end", () => process.stderr.write(rest));
}

/** The exit code of a process, by the shells' convention where a signal ended it; signals are passed on. */
function ended(child) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 143)));
  });
}

function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function takeAdapter(args) {
  const rest = [...args];
  const at = rest.findIndex((arg) => arg === "--adapter" || arg.startsWith("--adapter="));
  if (at < 0) return { adapter: undefined, rest };
  const [option] = rest.splice(at, 1);
  return { adapter: option.includes("=") ? option.slice(option.indexOf("=") + 1) : rest.splice(at, 1)[0], rest };
}

function fail(reason) {
  console.error(`tests cannot run: ${reason}`);
  console.log("0 passed, 1 failed");
  return 1;
}
