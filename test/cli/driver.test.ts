import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { useBuiltCommand } from "./built.ts";
import { type Faults, makeTools } from "./packageTools.ts";

const { path, places } = useBuiltCommand();
const NOBODY = 65534;
let folder: string;
let tools: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voxtwirl driver ü-"));
  tools = join(folder, "tools");
  mkdirSync(join(folder, "home"));
  if (process.getuid?.() === 0) for (const owned of [folder, join(folder, "home")]) chownSync(owned, NOBODY, NOBODY);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command as a user who is not root, with a home of its own, where the system has no driver that is found. */
function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  const { XDG_CACHE_HOME: _, ...rest } = process.env;
  const variables = { ...rest, ...places.noDriver, VOXTWIRL_DRIVER: "", HOME: join(folder, "home") };
  const PATH = [tools, dirname(process.execPath), process.env.PATH].join(delimiter);
  const user = mayBeNobody() ? { uid: NOBODY, gid: NOBODY } : {};
  return spawn(process.execPath, [path, ...args], { env: { ...variables, PATH, ...env }, ...user, cwd: folder });
}

/** Root can become nobody, who must be able to read this project then. */
function mayBeNobody(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync(process.execPath, ["-e", "require('fs').readFileSync(process.argv[1])", path], {
      uid: NOBODY,
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What lies in the cache while a driver is installed, or after that was killed. */
const AT_WORK = [
  `driver-${process.arch}.lock`,
  expect.stringMatching(`^driver-${process.arch}\\.partial\\.[0-9a-f]{8}$`),
];

/** What is read of the report of `voxtwirl doctor --json`. */
interface Report {
  ok: boolean;
  adapter: { name: string };
  installed: { version: string; folder: string; used: boolean };
}

function ended(child: ChildProcess): Promise<Result> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.on("data", (data: Buffer) => (texts[name] += data.toString()));
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...texts })));
}

const run = (args: string[], env?: Record<string, string>) => ended(start(args, env));

/** The names of what the driver's commands have in the user's cache. */
function remains(cache = join(folder, "home", ".cache")): string[] {
  const own = join(cache, "voxtwirl");
  return existsSync(own)
    ? readdirSync(own)
        .filter((name) => name.startsWith("driver"))
        .sort()
    : [];
}

const link = () => join(folder, "home", ".cache", "voxtwirl", `driver-${process.arch}`);

/** What Dawn writes on a machine without drivers is left out. */
const ours = (text: string) => text.slice(Math.max(0, text.indexOf("voxtwirl: ")));

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(condition()).toBe(true);
}

const linux = process.platform === "linux";
const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
const hasLavapipe = ["libvulkan_lvp.so", "libvulkan.so.1"].every((name) => existsSync(`/usr/lib/${triplet}/${name}`));

describe.runIf(linux)("voxtwirl driver install", () => {
  const fail = (words: string) => `echo "E: ${words}" >&2; exit 100`;
  const failures: [string, Faults, RegExp][] = [
    [
      "the mirror cannot be reached",
      { update: `echo "W: Failed to fetch http://x  Could not resolve 'x'"`, plan: fail("Unable to locate package") },
      /cannot reach.*resolve.*\n {2}Check the network/,
    ],
    [
      "the key is missing",
      { update: fail("The repository 'http://x' is not signed."), plan: fail("Unable to locate package") },
      /does not trust.*not signed/,
    ],
    ["a package is unsigned", { download: fail("There were unauthenticated packages") }, /does not trust/],
    [
      "a package was tampered with",
      { download: fail("Failed to fetch x.deb  Hash Sum mismatch") },
      /refused: .*Hash Sum/,
    ],
    [
      "there is no such package",
      { plan: fail("Unable to locate package mesa-vulkan-drivers") },
      /do not have the package/,
    ],
    [
      "the disk is full",
      { unpack: `echo "dpkg-deb: error: No space left on device" >&2; exit 2` },
      /disk is full.*\n {2}Free some space/,
    ],
    [
      "Mesa is too old",
      { plan: `echo "'http://x' mesa-vulkan-drivers_22.3.6-1_amd64.deb 1 "` },
      /newest Mesa .* 22\.3\.6-1; WebGPU needs 23/,
    ],
    ["apt says something else", { plan: fail("Something new") }, /cannot be installed: Something new/],
    ["a package lacks the driver", { unpack: ":" }, /have no libvulkan_lvp\.so/],
    [
      "the driver does not load",
      { unpack: `mkdir -p "$3/lib"; : > "$3/lib/libvulkan_lvp.so"; : > "$3/lib/libvulkan.so.1"` },
      /does not work on this machine/,
    ],
  ];
  it.each(failures)("leaves nothing where %s", { timeout: 60_000 }, async (_what, faults, sentence) => {
    makeTools(tools, "25.0.7-1", faults);
    const { code, stdout, stderr } = await run(["driver", "install", "--force"]);
    expect(ours(stderr).split("\n").slice(-3).join("\n"), stderr).toMatch(sentence);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(remains()).toEqual([]);
  });

  it("says what system it is for where there is no apt, and names a tool that is missing", async () => {
    mkdirSync(tools);
    const none = await run(["driver", "install", "--force"], { PATH: tools });
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(
      /packages of Debian or Ubuntu, with apt-get, and this is .*\n {2}Have mesa-vulkan-drivers/,
    );
    makeTools(tools, "25.0.7-1");
    rmSync(join(tools, "dpkg-deb"));
    expect((await run(["driver", "install", "--force"], { PATH: tools })).stderr).toContain("no dpkg-deb");
  });

  it("refuses a cache that cannot be written", async () => {
    makeTools(tools, "25.0.7-1");
    const file = join(folder, "file");
    writeFileSync(file, "");
    const { code, stderr } = await run(["driver", "install", "--force"], { XDG_CACHE_HOME: file });
    expect(code).toBe(1);
    expect(stderr).toMatch(/cache cannot be used.*\n {2}Set XDG_CACHE_HOME/);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves nothing when %s stops it", { timeout: 60_000 }, async (signal) => {
    makeTools(tools, "25.0.7-1", { download: "touch downloading; exec sleep 60" });
    const child = start(["driver", "install", "--force"]);
    const result = ended(child);
    await until(() => existsSync(join(folder, "downloading")));
    expect(remains()).toEqual(AT_WORK);
    child.kill(signal);
    const { code, stderr } = await result;
    expect(code).toBe(signal === "SIGINT" ? 130 : 143);
    expect(stderr).toMatch(/voxtwirl: stopped; nothing was installed\n$/);
    expect(remains()).toEqual([]);
  });

  it(
    "is refused while another one runs, and clears away what one that was killed has left",
    { timeout: 60_000 },
    async () => {
      makeTools(tools, "25.0.7-1", { download: "touch downloading; exec sleep 5" });
      const child = start(["driver", "install", "--force"]);
      const result = ended(child);
      await until(() => existsSync(join(folder, "downloading")));
      const second = await run(["driver", "install", "--force"]);
      expect(second.code).toBe(1);
      expect(ours(second.stderr)).toMatch(
        new RegExp(`The user's driver is being written by process ${child.pid} on .*, which is running\\n  Wait`),
      );
      child.kill("SIGKILL");
      await result;
      expect(remains()).toEqual(AT_WORK);
      expect((await run(["driver", "remove"])).stdout).toBe("No driver is installed.\n");
      expect(remains()).toEqual([]);
    },
  );

  // What is "unpacked" is this machine's own lavapipe.
  it.runIf(hasLavapipe)(
    "installs, is used by itself, is upgraded in one step, and goes again",
    { timeout: 120_000 },
    async () => {
      makeTools(tools, "25.0.7-1");
      expect((await run(["driver"])).stdout).toContain("To install one: voxtwirl driver install");
      const first = await run(["driver", "install"]);
      expect(first.code, first.stderr).toBe(0);
      expect(first.stdout).toMatch(/^Mesa 25\.0\.7-1, .* proved right\n/);
      const before = realpathSync(link());
      expect(remains()).toHaveLength(2);

      const { stdout } = await run(["doctor", "--json"], { ...places.noLoader, VOXTWIRL_DRIVER: "" });
      const { adapter, installed } = JSON.parse(stdout) as Report;
      expect({ name: adapter.name, installed }).toEqual({
        name: "llvmpipe",
        installed: { version: "25.0.7-1", folder: before, used: true },
      });

      const again = await run(["driver", "install"]);
      expect(again.stdout).toContain("is installed already");
      expect(realpathSync(link())).toBe(before);

      makeTools(tools, "25.2.1-1", { unpack: "exit 1" });
      expect((await run(["driver", "install"])).code).toBe(1);
      expect(realpathSync(link())).toBe(before);
      makeTools(tools, "25.2.1-1");
      expect((await run(["driver", "install"])).stdout).toMatch(/^Mesa 25\.2\.1-1/);
      expect(existsSync(before)).toBe(false);
      expect(remains()).toHaveLength(2);

      // A cleaner of caches has been there.
      writeFileSync(join(realpathSync(link()), "libvulkan_lvp.so"), "");
      expect((await run(["doctor", "--adapter", "llvmpipe"])).stderr).toContain('There is no adapter named "llvmpipe"');

      expect((await run(["driver", "remove"])).stdout).toMatch(/^Removed .*driver-/);
      expect(remains()).toEqual([]);
      expect((await run(["driver", "remove"])).stdout).toBe("No driver is installed.\n");
    },
  );

  const whyNot = whyNoPackages();
  it.skipIf(whyNot)(
    `fetches the real packages and proves them${whyNot ? `: ${whyNot}` : ""}`,
    { timeout: 300_000 },
    async () => {
      mkdirSync(tools);
      const { code, stdout, stderr } = await run(["driver", "install", "--force"], {
        ...places.noLoader,
        VOXTWIRL_DRIVER: "",
      });
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/mesa-vulkan-drivers \S+ and \d+ packages that it needs, \d+ MB to download/);
      expect(stdout).toMatch(/^Mesa (2[3-9]|[3-9]\d)\./);
      const doctor = await run(["doctor", "--json"], { ...places.noLoader, VOXTWIRL_DRIVER: "" });
      const { ok, adapter, installed } = JSON.parse(doctor.stdout) as Report;
      expect({ ok, name: adapter.name, used: installed.used }).toEqual({ ok: true, name: "llvmpipe", used: true });
      const manifest = readFileSync(join(installed.folder, "driver.json"), "utf8");
      const { libraries } = JSON.parse(manifest) as { libraries: string[] };
      expect(libraries.some((name) => name.startsWith("libLLVM"))).toBe(true);
    },
  );
});

/** Why the real packages cannot be fetched here; "" where they can. */
function whyNoPackages(): string {
  if (!linux) return "packages are for Linux";
  const target = join(tmpdir(), `voxtwirl-release-${process.pid}`);
  const format = "--format '$(REPO_URI)dists/$(RELEASE)/InRelease'";
  const index = `apt-get indextargets ${format} "Created-By: Packages" | sed -n 1p`;
  try {
    execFileSync("sh", ["-ec", `/usr/lib/apt/apt-helper download-file "$(${index})" "$1"`, "sh", target], {
      stdio: "ignore",
      timeout: 60_000,
    });
    return "";
  } catch {
    return "no apt here, or its mirror does not answer";
  } finally {
    rmSync(target, { force: true });
  }
}
