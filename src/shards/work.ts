/** What a command's shards are shards of. */
import { createHash } from "node:crypto";

declare const VOXTWIRL_VERSION: string;

/** All that decides what comes out: settings, the data's SHA-256, the version. Shards merge where it is the same. */
export type Work = Readonly<Record<string, unknown>> & {
  /** Of which kind: what reads the shards. */
  readonly kind: string;
  readonly version: string;
};

/** @param what all but the version */
export function workOf(what: { readonly kind: string } & Readonly<Record<string, unknown>>): Work {
  return { ...what, version: VOXTWIRL_VERSION };
}

/** A name and a short hash: of the same work the same. */
export function workName(name: string, work: Work): string {
  return `${name}-${createHash("sha256").update(canonical(work)).digest("hex").slice(0, 12)}`;
}

/** What two works differ in, for people: "steps is 4 in one and 6 in the other". */
export function differences(a: Work, b: Work): string[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  const said = (value: unknown) => (value === undefined ? "not there" : canonical(value));
  return keys
    .filter((key) => canonical(a[key]) !== canonical(b[key]))
    .map((key) => `${key} is ${said(a[key])} in one and ${said(b[key])} in the other`);
}

/** JSON in which keys are in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, one: unknown) => {
    if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([x], [y]) => (x < y ? -1 : 1)));
  });
}
