import { execFile } from "node:child_process";
import type { Command } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { withEnvironment } from "../node/adapters.ts";
import type { Package } from "../node/apt.ts";
import { DRIVER_VARIABLE, type InstalledDriver, installedDriver } from "../node/driver.ts";
import { driverBytes, installDriver, removeDriver } from "../node/driverInstall.ts";
import { openAdapter } from "../node/open.ts";
import { command, exits } from "./args.ts";
import { showProgress } from "./progress.ts";

const EXIT_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** `voxtwirl driver`: exit code 0 done, 1 failed, 130 and others when a signal stopped it. */
export const define = (driver: Command) => {
  driver.action(exits(show));
  driver.addCommand(
    command("driver", "install")
      .description(
        "put Mesa's software driver into the user's cache, from this machine's own package sources, and prove it",
      )
      .option("--force", "install it even if it is there already or the machine has an adapter as good")
      .action(exits(install)),
  );
  driver.addCommand(command("driver", "remove").description("remove it again").action(exits(remove)));
};

function show(): number {
  const driver = installedDriver();
  const none = "No driver of this user's own is installed.\nTo install one: voxtwirl driver install";
  return print(driver ? `${nameOf(driver)}, installed in ${driver.folder}\nvoxtwirl driver remove removes it` : none);
}

async function install({ force = false }: { force?: boolean }): Promise<number> {
  const own = force ? undefined : await goodAdapter();
  if (own !== undefined) {
    return print(
      `This machine has ${own}: a driver of your own would be no faster.\n--force installs it all the same.`,
    );
  }
  const progress = showProgress();
  const abort = new AbortController();
  let code = 1;
  const stop = (signal: NodeJS.Signals) => {
    code = EXIT_CODES[signal]!;
    abort.abort();
  };
  const signals = Object.keys(EXIT_CODES) as NodeJS.Signals[];
  for (const signal of signals) process.on(signal, stop);
  try {
    const { driver, isNew } = await installDriver({
      force,
      prove,
      signal: abort.signal,
      onProgress: (text) => progress.show(text),
      onPlan: (packages) => {
        progress.clear();
        process.stderr.write(`voxtwirl: ${planText(packages)}\n`);
      },
    });
    progress.clear();
    if (!isNew) {
      return print(`${nameOf(driver)}, is installed already, and apt has none newer (--force installs it anew).`);
    }
    const size = `${Math.round(driverBytes(driver) / 1e6)} MB`;
    return print(
      `${nameOf(driver)}, installed in ${driver.folder} (${size}) and proved right\n` +
        "All that voxtwirl runs uses it from now on. To remove it: voxtwirl driver remove",
    );
  } catch (error) {
    progress.clear();
    if (!abort.signal.aborted) throw error;
    process.stderr.write("voxtwirl: stopped; nothing was installed\n");
    return code;
  } finally {
    for (const signal of signals) process.removeListener(signal, stop);
  }
}

async function remove(): Promise<number> {
  const folder = await removeDriver();
  return print(folder === undefined ? "No driver is installed." : `Removed ${folder}`);
}

/** What this machine has by itself that is as fast, in words. */
async function goodAdapter(): Promise<string | undefined> {
  const ask = () => openAdapter({ adapter: "auto", hideWarnings: true });
  try {
    const { name, software, adapter } = await withEnvironment({ [DRIVER_VARIABLE]: "none" }, ask);
    return name === "SwiftShader"
      ? undefined
      : `${software ? "a software driver" : "a GPU"}, ${adapter.info.description || name}`;
  } catch (error) {
    if (error instanceof VoxtwirlError && error.code === "no-adapter") return undefined;
    throw error;
  }
}

/** Has `voxtwirl doctor` prove a kernel with that driver, in a process of its own. */
function prove(folder: string, signal?: AbortSignal): Promise<void> {
  const command = [...process.execArgv, process.argv[1]!, "doctor", "--json", "--adapter", "llvmpipe"];
  const env = { ...process.env, [DRIVER_VARIABLE]: folder };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, { env, ...(signal && { signal }) }, (error, stdout, stderr) => {
      const { ok, installed, error: why } = parse(stdout);
      if (ok && installed?.used) {
        resolve();
        return;
      }
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const words = why?.message ?? (error ? lastLine(stderr) || error.message : "its results are wrong");
      const fix =
        "Nothing was installed; voxtwirl goes on with what it had. A newer release of the system may do better.";
      reject(new VoxtwirlError("no-adapter", `The driver does not work on this machine: ${words}`, fix));
    });
  });
}

/** What is read here of the report of `voxtwirl doctor`. */
interface Report {
  readonly ok?: boolean;
  readonly installed?: { readonly used: boolean } | null;
  readonly error?: { readonly message: string };
}

function parse(stdout: string): Report {
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    return {};
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!;
}

function nameOf({ version }: InstalledDriver): string {
  return `Mesa ${version}, software driver llvmpipe`;
}

function planText(packages: readonly Package[]): string {
  const bytes = packages.reduce((sum, one) => sum + one.bytes, 0);
  const { name, version } = packages.find((one) => one.name.startsWith("mesa"))!;
  const size = `${Math.round(bytes / 1e6)} MB`;
  return `${name} ${version} and ${packages.length - 1} packages that it needs, ${size} to download`;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
