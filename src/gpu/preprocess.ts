import { VoxtwirlError } from "../errors.ts";
import type { Shader } from "./dispatch.ts";
import { evaluateInteger } from "./expression.ts";

export type Constants = Readonly<Record<string, number | boolean>>;

interface Frame {
  /** Lines are kept while every enclosing condition holds. */
  active: boolean;
  parentActive: boolean;
  sawElse: boolean;
  line: number;
}

/**
 * Turns a shader file into WGSL.
 *
 * - `#import name` inserts `shaders/shared/name.wgsl`, once.
 * - `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`: a constant is defined when it is a number or `true`.
 * - `#for i in A..B` ... `#endfor` repeats its body for A <= i < B; in it `${expr}` is the value of an integer
 *   expression over loop variables and constants. This makes named accumulators, which compilers keep in registers
 *   where an indexed array may live in memory.
 * - numeric constants become `const NAME = value;` before the code, after its `enable`/`diagnostic` lines.
 *
 * @throws VoxtwirlError "shader-compile" naming file and line when a directive is malformed.
 */
export function preprocess(shader: Shader, constants: Constants, library: Readonly<Record<string, string>>): string {
  const defined = (name: string) => name in constants && constants[name] !== false;
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(constants)) if (typeof value === "number") numbers[name] = value;
  const imported = new Set<string>();
  const fail = (file: string, line: number, what: string): never => {
    throw new VoxtwirlError("shader-compile", `${file}.wgsl:${line}: ${what}`, "Correct the shader's directive.");
  };

  const expand = (file: string, code: string): string[] => {
    const out: string[] = [];
    const stack: Frame[] = [];
    const lines = code.split(/\r?\n/);
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!;
      const directive = /^\s*#(\w+)\s*(.*?)\s*(?:\/\/.*)?$/.exec(text);
      const active = stack.length === 0 || stack[stack.length - 1]!.active;
      if (!directive) {
        if (active) out.push(text);
        continue;
      }
      const [, name, rest] = directive as unknown as [string, string, string];
      if (name === "ifdef" || name === "ifndef") {
        if (!/^\w+$/.test(rest)) fail(file, i + 1, `#${name} takes one name`);
        stack.push({
          active: active && defined(rest) === (name === "ifdef"),
          parentActive: active,
          sawElse: false,
          line: i + 1,
        });
      } else if (name === "else") {
        const frame = stack[stack.length - 1] ?? fail(file, i + 1, "#else without #ifdef");
        if (frame.sawElse) fail(file, i + 1, "second #else");
        frame.sawElse = true;
        frame.active = frame.parentActive && !frame.active;
      } else if (name === "endif") {
        if (!stack.pop()) fail(file, i + 1, "#endif without #ifdef");
      } else if (name === "import") {
        if (!active || imported.has(rest)) continue;
        imported.add(rest);
        const source = library[rest] ?? fail(file, i + 1, `#import of an unknown file '${rest}'`);
        out.push(...expand(rest, source));
      } else if (name === "for" || name === "endfor") {
        if (active) out.push(text);
      } else {
        fail(file, i + 1, `unknown directive #${name}`);
      }
    }
    if (stack.length > 0) fail(file, stack[stack.length - 1]!.line, "#ifdef is never closed");
    return out;
  };

  const body = unroll(shader.name, expand(shader.name, shader.code), numbers, fail);
  // Imports may enable what the shader or another import does.
  const header = [...new Set(body.filter((line) => /^\s*(enable|diagnostic|requires)\b/.test(line)))];
  const rest = body.filter((line) => !/^\s*(enable|diagnostic|requires)\b/.test(line));
  const injected = Object.entries(numbers).map(([name, value]) => `const ${name} = ${literal(value)};`);
  return [...header, ...injected, ...rest].join("\n");
}

function literal(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return `${value.toPrecision(9)}f`;
}

type Fail = (file: string, line: number, what: string) => never;

function unroll(file: string, lines: string[], variables: Record<string, number>, fail: Fail): string[] {
  const out: string[] = [];
  const value = (expression: string, line: number) => {
    const result = evaluateInteger(expression, variables);
    return result ?? fail(file, line, `'${expression}' is not an integer expression of constants and loop variables`);
  };
  for (let i = 0; i < lines.length; i++) {
    const text = lines[i]!;
    const start = /^\s*#for\s+(\w+)\s+in\s+(.+?)\s*\.\.\s*(.+?)\s*(?:\/\/.*)?$/.exec(text);
    if (!start) {
      if (/^\s*#(for|endfor)\b/.test(text)) fail(file, i + 1, "expected '#for i in A..B' and its '#endfor'");
      out.push(text.replace(/\$\{([^}]*)\}/g, (_, expression: string) => String(value(expression, i + 1))));
      continue;
    }
    const end = matchingEnd(lines, i);
    if (end < 0) fail(file, i + 1, "#for is never closed");
    const from = value(start[2]!, i + 1);
    const to = value(start[3]!, i + 1);
    const body = lines.slice(i + 1, end);
    for (let k = from; k < to; k++) out.push(...unroll(file, body, { ...variables, [start[1]!]: k }, fail));
    i = end;
  }
  return out;
}

function matchingEnd(lines: string[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (/^\s*#for\b/.test(lines[i]!)) depth++;
    else if (/^\s*#endfor\b/.test(lines[i]!) && --depth === 0) return i;
  }
  return -1;
}
