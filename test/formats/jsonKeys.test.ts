import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duplicateKey } from "../../src/formats/jsonKeys.ts";

/** JSON with keys of any kind, and the same with one key of one object once more. */
const written = fc.letrec<{ value: Text }>((tie) => {
  const leaf = fc.jsonValue({ maxDepth: 0 }).map((value): Text => ({ text: JSON.stringify(value), doubled: [] }));
  const key = fc.oneof(fc.constantFrom("a", "", "__proto__", '"', "\\", ":"), fc.string());
  const object = fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries): Text => {
    const unique = [...new Map(entries)];
    const write = (parts: readonly string[]) => `{ ${parts.join(" , ")} }`;
    const parts = unique.map(([name, { text }]) => `${JSON.stringify(name)} : ${text}`);
    const doubled = unique.flatMap(([name, { doubled }], i) => [
      { key: name, text: write([...parts, `${escaped(name)}:0`]) },
      ...doubled.map((inner) => ({ ...inner, text: write(parts.with(i, `${JSON.stringify(name)}:${inner.text}`)) })),
    ]);
    return { text: write(parts), doubled };
  });
  const list = fc.array(tie("value"), { maxLength: 3 }).map((values): Text => {
    const texts = values.map(({ text }) => text);
    const doubled = values.flatMap((value, i) =>
      value.doubled.map((inner) => ({ ...inner, text: `[${texts.with(i, inner.text).join()}]` })),
    );
    return { text: `[${texts.join()}]`, doubled };
  });
  return { value: fc.oneof({ depthSize: "small" }, leaf, object, list) };
}).value;

interface Text {
  readonly text: string;
  readonly doubled: readonly { readonly key: string; readonly text: string }[];
}

function escaped(text: string): string {
  const unit = (i: number) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return `"${Array.from({ length: text.length }, (_, i) => unit(i)).join("")}"`;
}

describe("duplicateKey", () => {
  it("finds a key that stands twice in one object, however it is written, and no other", () => {
    let found = 0;
    fc.assert(
      fc.property(written, ({ text, doubled }) => {
        JSON.parse(text);
        expect(duplicateKey(text)).toBeUndefined();
        for (const other of doubled) {
          JSON.parse(other.text);
          expect(duplicateKey(other.text)).toBe(other.key);
          found++;
        }
      }),
      { numRuns: 500, seed: 2 },
    );
    expect(found).toBeGreaterThan(200);
  });

  it("takes long strings and deep texts", () => {
    const long = JSON.stringify('"\\'.repeat(1e6));
    expect(duplicateKey(`{"a":${long},"b":${long},"a":0}`)).toBe("a");
    expect(duplicateKey(`${"[".repeat(1e5)}{"a":1,"a":2}${"]".repeat(1e5)}`)).toBe("a");
  });
});
