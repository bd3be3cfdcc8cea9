import type { Shader } from "./shader.ts";
import { fail, parseDirectives, type Directive, type Place } from "./directives.ts";
import { evaluateInteger } from "./expression.ts";

export type Constants = Readonly<Record<string, number | boolean>>;

/** What names mean: constants, and integers of the loops and #lets around a line. */
type Scope = Record<string, number | boolean>;

/**
 * Turns a shader file into WGSL.
 *
 * - `#import name` inserts `shaders/shared/name.wgsl`, once. It sees the constants, and no names of the file around it.
 * - `#if EXPR`, `#elif EXPR`, `#else`, `#endif` keep the lines of the first branch whose integer expression is not 0.
 *   `#ifdef NAME` is `#if defined(NAME)`, `#ifndef NAME` is `#if !defined(NAME)`: a constant is defined when it is a
 *   number or `true`.
 * - `#for i in A..B` ... `#endfor` repeats its body for A <= i < B. This makes named accumulators, which compilers keep
 *   in registers where an indexed array may live in memory.
 * - `#let NAME = EXPR` names an integer for the lines that follow, to the end of the loop's body or of the file around
 *   it; a branch of an #if is no end. No name is given twice.
 * - `${EXPR}` is the value of an integer expression. All of these know constants, loop variables and #lets.
 * - numeric constants become `const NAME = value;` before the code, after its `enable`/`diagnostic` lines.
 *
 * @throws VoxtwirlError "shader-compile" naming file and line when a directive or an expression is malformed.
 */
export function preprocess(shader: Shader, constants: Constants, library: Readonly<Record<string, string>>): string {
  const body = new Expansion(constants, library).file(shader.name, shader.code);
  // Imports may enable what the shader or another import does.
  const header = [...new Set(body.filter((line) => /^\s*(enable|diagnostic|requires)\b/.test(line)))];
  const rest = body.filter((line) => !/^\s*(enable|diagnostic|requires)\b/.test(line));
  const injected = Object.entries(constants).flatMap(([name, value]) =>
    typeof value === "number" ? [`const ${name} = ${literal(value)};`] : [],
  );
  return [...header, ...injected, ...rest].join("\n");
}

function literal(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return `${value.toPrecision(9)}f`;
}

class Expansion {
  readonly #constants: Constants;
  readonly #library: Readonly<Record<string, string>>;
  readonly #imported = new Set<string>();
  readonly #lines: string[] = [];

  constructor(constants: Constants, library: Readonly<Record<string, string>>) {
    this.#constants = constants;
    this.#library = library;
  }

  /** All lines so far, with those of this file. */
  file(name: string, code: string): readonly string[] {
    this.#expand(parseDirectives(name, code), { ...this.#constants });
    return this.#lines;
  }

  #expand(directives: readonly Directive[], scope: Scope): void {
    for (const directive of directives) this.#expandOne(directive, scope);
  }

  #expandOne(directive: Directive, scope: Scope): void {
    switch (directive.kind) {
      case "text":
        this.#lines.push(
          directive.text.replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
            return String(evaluate(expression, scope, directive));
          }),
        );
        return;
      case "import":
        this.#import(directive.name, directive);
        return;
      case "let":
        name(scope, directive.name, evaluate(directive.value, scope, directive), directive);
        return;
      case "if": {
        const branch = directive.branches.find((one) => evaluate(one.condition, scope, one) !== 0);
        if (branch) this.#expand(branch.body, scope);
        return;
      }
      case "for": {
        const from = evaluate(directive.from, scope, directive);
        const to = evaluate(directive.to, scope, directive);
        for (let i = from; i < to; i++) {
          const inner = { ...scope };
          name(inner, directive.variable, i, directive);
          this.#expand(directive.body, inner);
        }
      }
    }
  }

  #import(name: string, place: Place): void {
    if (this.#imported.has(name)) return;
    this.#imported.add(name);
    this.file(name, this.#library[name] ?? fail(place, `#import of an unknown file '${name}'`));
  }
}

function evaluate(expression: string, scope: Scope, place: Place): number {
  const result = evaluateInteger(expression, scope);
  return result ?? fail(place, `'${expression}' is not an integer expression of constants, loop variables and #lets`);
}

function name(scope: Scope, name: string, value: number, place: Place): void {
  if (Object.hasOwn(scope, name)) fail(place, `'${name}' has a value already`);
  scope[name] = value;
}
