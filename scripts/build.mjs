// Builds dist/: voxtwirl.js (the command), index.js (the library, for any WebGPU host), node.js (with Dawn), the
// modules that these pass on, and types/ (declarations).
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const npm = ["webgpu", "openchemlib", "commander", "@sparticuz/chromium"];

/** Files of dist and what each is made of. */
const entryPoints = {
  voxtwirl: "src/cli/main.ts",
  node: "src/node.ts",
  index: "src/index.ts",
  kernels: "src/kernels/index.ts",
  training: "src/trainingEntry.ts",
  operations: "src/graph/operations.ts",
  builtinMolecules: "src/molecules/builtin.ts",
  builtinForceFrames: "src/molecules/builtinForces.ts",
  report: "src/report/report.ts",
};

/**
 * Bundles everything into `folder` (relative to the project), which is replaced only when all went well.
 *
 * @param options `types`: with declarations, which take some seconds
 * @returns whether it did; esbuild, or this, prints what went wrong
 */
export async function build(folder = "dist", { types = false } = {}) {
  const esbuild = await import("esbuild");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const target = resolve(root, folder);
  const partial = `${target}.${process.pid}`;
  try {
    mkdirSync(partial, { recursive: true });
    await esbuild.build({
      absWorkingDir: root,
      outdir: partial,
      entryPoints,
      bundle: true,
      format: "esm",
      platform: "node",
      target: ["node20", "es2022"],
      // Shared chunks: a class is the same one whether it comes from "voxtwirl" or from "voxtwirl/node".
      splitting: true,
      chunkNames: "chunks/[name]-[hash]",
      logLevel: "warning",
      define: { VOXTWIRL_VERSION: JSON.stringify(version) },
      mainFields: ["module", "main"],
      external: npm,
      alias: {
        // What fast-png compresses with: under "node" it names a module of Node, and the library is for browsers too.
        fflate: "fflate/browser",
        // Its runtime is commander; only its types are others.
        "@commander-js/extra-typings": "commander",
      },
      plugins: [entriesApart, bareShaders, pageScripts],
    });
    chmodSync(join(partial, "voxtwirl.js"), 0o755);
    if (types) {
      const { declarations } = await import("./declarations.mjs");
      declarations(root, join(partial, "types"));
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
    return true;
  } catch (error) {
    // esbuild has told its own errors.
    if (!error.errors) console.error(error.message);
    return false;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/**
 * Keeps what index.ts and node.ts only pass on in files of their own: bundlers drop unused files and unused members of
 * namespaces that are imported, but not those that esbuild has already made into objects.
 */
const entriesApart = {
  name: "entries-apart",
  setup({ onResolve }) {
    const names = new Map(Object.entries(entryPoints).map(([name, path]) => [join(root, path), name]));
    onResolve({ filter: /^\.\.?\// }, ({ path, importer, kind }) => {
      if (kind !== "import-statement" || !["index.ts", "node.ts"].includes(basename(importer))) return undefined;
      if (dirname(importer) !== join(root, "src")) return undefined;
      const name = names.get(resolve(dirname(importer), path));
      return name && { path: `./${name}.js`, external: true, sideEffects: false };
    });
  },
};

/**
 * Shaders as name and text, without comments and indentation, which are half of it; the package has the files too.
 */
export const bareShaders = {
  name: "bare-shaders",
  setup({ onLoad }) {
    onLoad({ filter: /\.wgsl$/ }, ({ path }) => {
      const lines = readFileSync(path, "utf8").split("\n");
      const bare = lines.map((line) => line.replace(/\/\/.*$/, "").trim()).filter((line) => line !== "");
      const shader = { name: basename(path, ".wgsl"), code: bare.join("\n") };
      return { contents: `export default ${JSON.stringify(shader)};`, loader: "js" };
    });
  },
};

/** Scripts of pages as text: whole, minified, and with the licences of what is in them. */
export const pageScripts = {
  name: "page-scripts",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*Script\.mjs$/ }, async ({ path }) => {
      return { contents: `export default ${JSON.stringify(await pageScript(path))};`, loader: "js" };
    });
  },
};

/** A script that needs nothing else, of a module and all that it imports. */
export async function pageScript(path) {
  const esbuild = await import("esbuild");
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [path],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  const names = Object.keys(metafile.inputs).map(
    (name) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1],
  );
  const licences = [...new Set(names)].filter(Boolean).map((name) => {
    const folder = join(root, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `/*! ${name} ${version}\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n*/\n`;
  });
  return licences.join("") + outputFiles[0].text;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  if (existsSync(join(root, "node_modules", "esbuild"))) {
    if (!(await build("dist", { types: true }))) process.exitCode = 1;
  } else {
    // `npm ci --omit=dev` runs `prepare` too.
    console.error("voxtwirl: dist is not built, the development dependencies are not installed");
  }
}
