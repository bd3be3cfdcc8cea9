import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VoxtwirlError } from "../errors.ts";
import { aptFailure } from "./aptFailure.ts";
import { backportsSource, type SourceFile } from "./aptSources.ts";
import { type Ending, runProgram } from "./runProgram.ts";

/** A package to fetch. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
  /** Where it lies once it is fetched. */
  readonly path: string;
}

export interface AptOptions {
  readonly signal?: AbortSignal | undefined;
  /** Receives how far a fetch is, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/**
 * What holds for every call: only what installing needs is fetched, nothing is taken unsigned, and what the machine
 * runs after an update, as root, is left out.
 */
const CONFIGURATION = `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
APT::Get::List-Cleanup "false";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
`;

/**
 * apt with all its files in one folder: it needs no root, knows of no package that is installed, and changes nothing of
 * the machine. Sources, keys, proxies and preferences are the machine's.
 */
export class Apt {
  readonly #folder: string;
  readonly #options: AptOptions;
  /** Suite to prefer, such as "bookworm-backports". */
  #release: string | undefined;
  /** What update wrote on standard error. */
  #complaints = "";

  private constructor(folder: string, options: AptOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * @param folder is made, and is to be removed by the caller
   * @param releases names of a Debian release whose backports are wanted; none for the packages of the release itself
   */
  static async create(folder: string, releases: readonly string[], options: AptOptions): Promise<Apt> {
    const apt = new Apt(folder, options);
    const folders = ["lists/partial", "archives/partial", "sources", "log"];
    for (const name of folders) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "status"), "");
    writeFileSync(join(folder, "apt.conf"), CONFIGURATION);
    await apt.#takeSources(releases);
    return apt;
  }

  /** Fetches the lists of packages. What is wrong with single sources shows when their packages are asked for. */
  async update(): Promise<void> {
    const { stderr, stdout } = await this.#run(["update"]);
    this.#complaints = `${stdout}\n${stderr}`;
  }

  /**
   * What has to be fetched for packages and all that they depend on.
   *
   * @throws VoxtwirlError "unsupported" where the sources have no such package, "io" where they cannot be reached,
   *   "bad-file" where apt does not trust them
   */
  async plan(packages: readonly string[]): Promise<Package[]> {
    const ending = await this.#run(["install", "--yes", "--print-uris", ...packages]);
    if (ending.code !== 0) throw aptFailure(`${this.#complaints}\n${ending.stderr}`);
    const rows = [...ending.stdout.matchAll(/^'(.*)' (\S+) (\d+)(?: \S*)?$/gm)];
    return rows.map(([, uri, file, bytes]) => {
      const [name, version] = file!.split("_").map(decodeURIComponent) as [string, string];
      const fetched = join(this.#folder, "archives", file!);
      // Packages on this machine's own disk are used where they are.
      const path = uri!.startsWith("file:") ? fileURLToPath(uri!) : fetched;
      return { name, version, bytes: Number(bytes), path };
    });
  }

  /** Fetches packages and all that they depend on, verified. */
  async download(packages: readonly string[], planned: readonly Package[]): Promise<void> {
    const ending = await this.#run(["install", "--yes", "--download-only", ...packages]);
    if (ending.code !== 0) throw aptFailure(ending.stderr);
    const lost = planned.find(({ path }) => !existsSync(path));
    if (lost) throw aptFailure(`E: ${basename(lost.path)} was not fetched`);
  }

  #run(command: readonly string[]): Promise<Ending> {
    const at = (path: string) => join(this.#folder, path);
    const settings = {
      "Dir::State": this.#folder,
      "Dir::State::lists": at("lists"),
      "Dir::State::status": at("status"),
      "Dir::State::extended_states": at("extended_states"),
      "Dir::Cache": this.#folder,
      "Dir::Cache::archives": at("archives"),
      "Dir::Cache::pkgcache": "",
      "Dir::Cache::srcpkgcache": "",
      "Dir::Log": at("log"),
      "Dir::Etc::sourcelist": "/dev/null",
      "Dir::Etc::sourceparts": at("sources"),
      "APT::Status-Fd": "3",
      ...(this.#release && { "APT::Default-Release": this.#release }),
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    const onStatus = (line: string) => {
      const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
      if (percent !== undefined) this.#options.onProgress?.(Number(percent) / 100);
    };
    const { signal } = this.#options;
    return runProgram(["apt-get", "-q", "-c", at("apt.conf"), ...options, ...command], { signal, onStatus });
  }

  /** Links to the machine's source files that this user may read, and the backports that they do not name. */
  async #takeSources(releases: readonly string[]): Promise<void> {
    const { signal } = this.#options;
    const asked = ["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"];
    const { stdout } = await runProgram(asked, { signal });
    const [, list] = /^LIST='(.*)'$/m.exec(stdout) ?? [];
    const [, parts] = /^PARTS='(.*)'$/m.exec(stdout) ?? [];
    const paths = [list, ...(parts ? inFolder(parts) : [])].filter((path) => path !== undefined && isReadable(path));
    const files = paths.map((path, i): SourceFile => {
      symlinkSync(path!, join(this.#folder, "sources", `${i}-${basename(path!)}`));
      return { name: basename(path!), text: readFileSync(path!, "utf8") };
    });
    if (releases.length === 0) return;
    const source = backportsSource(files, releases);
    if (source === undefined) {
      const message = `None of apt's sources here is one of Debian ${releases[0]}, whose backports are needed.`;
      throw new VoxtwirlError("unsupported", message, `Have its mirror listed in ${list ?? "/etc/apt/sources.list"}.`);
    }
    this.#release = `${releases[0]}-backports`;
    if (source !== "listed") writeFileSync(join(this.#folder, "sources", source.name), source.text);
  }
}

function inFolder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  return names.map((name) => join(folder, name));
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
