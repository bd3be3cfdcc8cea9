// What docs/adding-a-kernel.md says of every shader's names, signs and workgroups.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "..", "..", "shaders");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".wgsl"));
const shaders = files.sort().map((name) => {
  const lines = readFileSync(join(folder, name), "utf8").split("\n");
  return { name, code: lines.map((line) => line.replace(/\/\/.*/, "")).join("\n") };
});

const camelCase = /^[a-z][a-zA-Z0-9]*$/;

/** Names and types of the fields that the host sets. */
function uniformFields(code: string): { name: string; type: string }[] {
  const [, body = ""] = /struct Params \{([^}]*)\}/.exec(code) ?? [];
  return [...body.matchAll(/(\w+): ([\w<>]+),/g)].map(([, name = "", type = ""]) => ({ name, type }));
}

/** What breaks a rule, by shader. */
function offenders(of: (code: string) => readonly string[]): string[] {
  return shaders.flatMap(({ name, code }) => of(code).map((found) => `${name}: ${found}`));
}

it("bindings and uniform fields are in camelCase", () => {
  const found = offenders((code) => {
    const bindings = [...code.matchAll(/@binding\(\d+\) var<[^>]*>\s*(\w+)/g)].map(([, name = ""]) => name);
    return [...bindings, ...uniformFields(code).map(({ name }) => name)].filter((name) => !camelCase.test(name));
  });
  expect(found).toEqual([]);
});

it("the size of workgroups has a name", () => {
  const sizes = (code: string) => [...code.matchAll(/@workgroup_size\(([^)]*)\)/g)].map(([, size = ""]) => size);
  expect(offenders((code) => sizes(code).filter((size) => size !== "WORKGROUP"))).toEqual([]);
});

it("sizes are of one sign in a shader", () => {
  const signs = (code: string) => new Set(uniformFields(code).map(({ type }) => type));
  expect(offenders((code) => (signs(code).has("i32") && signs(code).has("u32") ? ["i32 and u32"] : []))).toEqual([]);
});

it("the shaders are found", () => {
  const bound = shaders.filter(({ code }) => code.includes("@binding"));
  const fields = shaders.flatMap(({ code }) => uniformFields(code));
  expect(bound.length).toBeGreaterThan(40);
  expect(fields.length).toBeGreaterThan(100);
});
