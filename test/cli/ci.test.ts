import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../temporary.ts";

const script = fileURLToPath(new URL("../../.ci/run", import.meta.url));
const folder = temporaryFolder("ci");
const standIns = join(folder, "bin");

beforeAll(() => {
  mkdirSync(standIns);
  for (const name of ["npm", "apt-get", "dpkg-query"]) {
    writeFileSync(join(standIns, name), `#!/bin/sh\necho "${name} was called" >&2\nexit 1\n`, { mode: 0o755 });
  }
});

/** What .ci/run makes of apt source files, given as name and text. */
function backportsEntry(files: Record<string, string>): string {
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
  // Sourced, the script must only define its functions. Were it to run, the stand-ins keep it from installing anything.
  const env = { ...process.env, PATH: `${standIns}:${process.env.PATH}` };
  const command = 'source "$1" && shift && backports_entry "$@"';
  return execFileSync("bash", ["-c", command, "bash", script, ...paths], { encoding: "utf8", env });
}

const stanza = `Types: deb deb-src
# http://commented.example/debian
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

describe.runIf(process.platform === "linux")(".ci/run", () => {
  it("does nothing when it is sourced", () => {
    expect(backportsEntry({})).toBe("");
  });

  it("derives the backports suite from a deb822 stanza", () => {
    const key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    const entry = `deb [signed-by=${key}] http://mirror.example/debian bookworm-backports main\n`;
    expect(backportsEntry({ "debian.sources": stanza })).toBe(entry);
  });

  it("derives it from one-line entries, with their options", () => {
    const list = `# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/key.gpg]  https://mirror.example/debian/   bookworm  main non-free
`;
    expect(backportsEntry({ "sources.list": list }).replace(/ +/g, " ")).toBe(
      "deb [arch=amd64 signed-by=/key.gpg] https://mirror.example/debian/ bookworm-backports main\n",
    );
    expect(backportsEntry({ "plain.list": "deb http://mirror.example/debian bookworm main\n" })).toBe(
      "deb http://mirror.example/debian bookworm-backports main\n",
    );
  });

  it("reads values over several lines and leaves out a key written into the file", () => {
    const folded = `Types: deb
URIs:
 http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`;
    const entry = "deb http://mirror.example/debian bookworm-backports main\n";
    expect(backportsEntry({ "folded.sources": folded })).toBe(entry);
  });

  it("takes the first entry of several files", () => {
    const entry = backportsEntry({ "a.list": "deb http://a.example/debian bookworm main\n", "b.sources": stanza });
    expect(entry).toBe("deb http://a.example/debian bookworm-backports main\n");
  });

  it.each([
    ["other releases", { "x.list": "deb http://mirror.example/debian trixie main\n" }],
    ["a disabled stanza", { "x.sources": `Enabled: no\n${stanza.split("\n\n")[0]}\n` }],
    ["other components", { "x.list": "deb http://mirror.example/debian bookworm contrib\n" }],
    ["other kinds of files", { "x.txt": "deb http://mirror.example/debian bookworm main\n" }],
    ["an empty file", { "x.list": "" }],
  ] as [string, Record<string, string>][])("finds nothing in %s", (_what, files) => {
    expect(backportsEntry(files)).toBe("");
  });
});
