/** A file that lists package sources of apt's: one-line entries (NAME.list) or stanzas (NAME.sources). */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The source of a Debian release's backports, made from a machine's own source of that release, so that the same mirror
 * serves it and the same keys sign it.
 *
 * @param releases names that the machine's sources may have for it, such as "bookworm" and "oldstable"
 * @returns the file to add; "listed" where the machine has such a source already; undefined where it has none of the
 *   release
 */
export function backportsSource(
  files: readonly SourceFile[],
  releases: readonly string[],
): SourceFile | "listed" | undefined {
  const entries = files.flatMap((file) => (file.name.endsWith(".sources") ? stanzas(file.text) : lines(file.text)));
  const isMain = ({ types, components }: Entry) => types.includes("deb") && components.includes("main");
  const suites = entries.filter(isMain).flatMap((entry) => entry.suites.map((suite) => ({ suite, entry })));
  if (suites.some(({ suite }) => releases.some((release) => suite === backports(release)))) return "listed";
  const found = suites.find(({ suite }) => releases.includes(suite));
  return found?.entry.withSuite(backports(found.suite));
}

function backports(release: string): string {
  return `${release}-backports`;
}

interface Entry {
  readonly types: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** The same source with one suite, component main. */
  withSuite(suite: string): SourceFile;
}

function lines(text: string): Entry[] {
  return text.split("\n").flatMap((line): Entry[] => {
    const match = /^\s*(deb|deb-src)\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) return [];
    const [, type, options = "", uri, suite, components] = match;
    const withSuite = (other: string) => ({ name: "voxtwirl.list", text: `${type} ${options}${uri} ${other} main\n` });
    return [{ types: [type!], suites: [suite!.replace(/\/$/, "")], components: words(components), withSuite }];
  });
}

function stanzas(text: string): Entry[] {
  const paragraphs = text.replace(/^#.*\n?/gm, "").split(/^\s*$/m);
  return paragraphs.flatMap((paragraph): Entry[] => {
    // A line that begins with a space goes on with the field before it.
    const fields = [...paragraph.matchAll(/^([^\s:]+):(.*(?:\n[ \t].*)*)$/gm)].map(([whole, name, value]) => {
      return { whole, name: name!.toLowerCase(), words: words(value) };
    });
    const value = (name: string) => fields.find((field) => field.name === name)?.words ?? [];
    if (/^(no|false|off|0)$/i.test(value("enabled")[0] ?? "yes") || value("uris").length === 0) return [];
    const kept = fields.filter(({ name }) => !["types", "uris", "suites", "components"].includes(name));
    const withSuite = (suite: string) => {
      const own = ["Types: deb", `URIs: ${value("uris")[0]}`, `Suites: ${suite}`, "Components: main"];
      return { name: "voxtwirl.sources", text: `${[...own, ...kept.map(({ whole }) => whole)].join("\n")}\n` };
    };
    return [{ types: value("types"), suites: value("suites"), components: value("components"), withSuite }];
  });
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
