// Builds dist/: voxtwirl.js (the command), index.js (the library, for any WebGPU host) and node.js (with Dawn).
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Bundles everything into `folder` (relative to the project), which is replaced only when all went well.
 *
 * @returns whether it did; esbuild prints what went wrong
 */
export async function build(folder = "dist") {
  const esbuild = await import("esbuild");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const target = resolve(root, folder);
  const partial = `${target}.${process.pid}`;
  const shared = {
    absWorkingDir: root,
    outdir: partial,
    bundle: true,
    format: "esm",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
    loader: { ".wgsl": "text" },
    define: { VOXTWIRL_VERSION: JSON.stringify(version) },
    mainFields: ["module", "main"],
  };
  const node = {
    ...shared,
    platform: "node",
    target: "node20",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    external: ["webgpu", "openchemlib", "@sparticuz/chromium"],
    entryPoints: { voxtwirl: "src/cli/main.ts", node: "src/node.ts" },
  };
  const browser = { ...shared, platform: "browser", target: "es2022", entryPoints: { index: "src/index.ts" } };
  try {
    mkdirSync(partial, { recursive: true });
    await Promise.all([esbuild.build(node), esbuild.build(browser)]);
    chmodSync(join(partial, "voxtwirl.js"), 0o755);
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  if (existsSync(join(root, "node_modules", "esbuild"))) {
    if (!(await build())) process.exitCode = 1;
  } else {
    // `npm ci --omit=dev` runs `prepare` too.
    console.error("voxtwirl: dist is not built, the development dependencies are not installed");
  }
}
