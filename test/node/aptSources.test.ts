import { describe, expect, it } from "vitest";
import { backportsSource } from "../../src/node/aptSources.ts";

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

const source = (files: Record<string, string>, releases = ["bookworm"]) => {
  return backportsSource(
    Object.entries(files).map(([name, text]) => ({ name, text })),
    releases,
  );
};

/** The text of the file, blanks between words made one. */
const text = (files: Record<string, string>, releases?: string[]) => {
  const found = source(files, releases);
  return typeof found === "object" ? found.text.replace(/ +/g, " ") : found;
};

describe("backportsSource", () => {
  it("makes a stanza of a stanza, with its key", () => {
    expect(source({ "debian.sources": stanza })).toEqual({
      name: "voxtwirl.sources",
      text:
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n" +
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
    });
  });

  it("keeps a key that is written into the stanza, over its lines", () => {
    const key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n";
    const suites = "Suites: bookworm\n bookworm-updates\n";
    const folded = `Types: deb\nURIs:\n http://mirror.example/debian\n${suites}Components: main\n${key}`;
    expect(text({ "folded.sources": folded })).toBe(
      `Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n${key}`,
    );
  });

  it("makes an entry of a one-line entry, with its options", () => {
    const list = `# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb [arch=amd64 signed-by=/key.gpg]  https://mirror.example/debian/   bookworm  main non-free # the near one
`;
    const entry = "deb [arch=amd64 signed-by=/key.gpg] https://mirror.example/debian/ bookworm-backports main\n";
    expect(text({ "sources.list": list })).toBe(entry);
  });

  it("knows a release by other names, and takes the first source of several files", () => {
    const files = { "a.list": "deb http://a.example/debian oldstable main\n", "b.sources": stanza };
    expect(text(files, ["bookworm", "oldstable"])).toBe("deb http://a.example/debian oldstable-backports main\n");
  });

  it("adds none where one is listed", () => {
    const listed = "deb http://other.example/debian bookworm-backports main contrib\n";
    expect(source({ "a.sources": stanza, "b.list": listed })).toBe("listed");
    expect(source({ "a.sources": stanza, "b.list": `# ${listed}` })).toBeTypeOf("object");
  });

  it.each([
    ["other releases", { "x.list": "deb http://mirror.example/debian trixie main\n" }],
    ["a disabled stanza", { "x.sources": `Enabled: no\n${stanza.split("\n\n")[0]}\n` }],
    ["other components", { "x.list": "deb http://mirror.example/debian bookworm contrib\n" }],
    ["sources of source code", { "x.list": "deb-src http://mirror.example/debian bookworm main\n" }],
    ["an empty file", { "x.list": "", "y.sources": "" }],
  ] as [string, Record<string, string>][])("finds nothing in %s", (_what, files) => {
    expect(source(files)).toBeUndefined();
  });
});
