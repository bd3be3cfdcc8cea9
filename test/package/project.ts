import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../../scripts/build.mjs";
import { driverEnvironment } from "../../src/node/driver.ts";
import { openAdapter } from "../../src/node/open.ts";
import { unpackSwiftShader } from "../../src/node/swiftshader.ts";
import { runProcess, type Result } from "../processes.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A packed voxtwirl and an empty project to install it in. */
export interface PackedProject {
  /** The project's folder. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths inside the tarball. */
  readonly files: readonly string[];
  remove(): void;
}

/** Copies the sources, builds and packs them there, so that nobody's dist is touched, and makes an empty project. */
export async function packProject(): Promise<PackedProject> {
  const work = mkdtempSync(join(tmpdir(), "voxtwirl-package-"));
  const remove = () => rmSync(work, { recursive: true, force: true });
  try {
    const source = join(work, "source");
    const folder = join(work, "project");
    mkdirSync(source);
    mkdirSync(folder);
    const left = ["node_modules", "dist", "runs", ".git", ".cache"];
    const names = readdirSync(root).filter((name) => !left.includes(name) && !name.startsWith("dist."));
    for (const name of names) cpSync(join(root, name), join(source, name), { recursive: true });
    if (!(await build(join(source, "dist"), { types: true }))) throw new Error("the build failed, see above");
    const packed = await npm(source, ["pack", "--ignore-scripts", "--json", "--pack-destination", work]);
    const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "somebody", private: true, type: "module" }));
    return { folder, tarball: join(work, filename), files: files.map((file) => file.path), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Runs npm in a folder; throws with its output where it fails. */
export async function npm(cwd: string, args: string[]): Promise<Result> {
  // The npm that runs these tests tells its scripts about this project, which is another one.
  const own = /^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const cli = process.env.npm_execpath;
  const command = cli?.endsWith(".js") ? [process.execPath, cli] : ["npm"];
  const result = await run(cwd, [...command, ...args], env);
  if (result.code !== 0) throw new Error(`npm ${args[0]} failed:\n${result.stdout}${result.stderr}`);
  return result;
}

/** Runs a command in a folder. */
export function run(cwd: string, [file, ...args]: string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return runProcess(file!, args, { cwd, env, maxBuffer: 2 ** 26, timeout: 240_000 });
}

/** The environment in which a package without a SwiftShader of its own finds the adapter that the tests run on. */
export async function adapterEnvironment(): Promise<Record<string, string | undefined>> {
  const { name } = await openAdapter();
  if (name !== "SwiftShader") return { ...process.env };
  return { ...process.env, ...driverEnvironment(unpackSwiftShader()) };
}
