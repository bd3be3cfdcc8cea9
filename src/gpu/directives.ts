import { VoxtwirlError } from "../errors.ts";

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A line of WGSL, or a directive with the lines that it governs; see `preprocess`. */
export type Directive =
  | (Place & { readonly kind: "text"; readonly text: string })
  | (Place & { readonly kind: "import"; readonly name: string })
  | (Place & { readonly kind: "let"; readonly name: string; readonly value: string })
  | (Place & { readonly kind: "if"; readonly branches: readonly Branch[] })
  | (Place & {
      readonly kind: "for";
      readonly variable: string;
      readonly from: string;
      readonly to: string;
      readonly body: readonly Directive[];
    });

/** The lines that are kept where the condition is the first to hold. */
export interface Branch extends Place {
  readonly condition: string;
  readonly body: readonly Directive[];
}

/** A line, taken apart where it is a directive. */
interface Line {
  readonly place: Place;
  readonly text: string;
  readonly name: string | undefined;
  readonly rest: string;
}

/** @throws VoxtwirlError "shader-compile", which names the place */
export function fail({ file, line }: Place, what: string): never {
  throw new VoxtwirlError("shader-compile", `${file}.wgsl:${line}: ${what}`, "Correct the shader's directive.");
}

/**
 * The lines of a shader file as a tree of its directives. Nothing is evaluated.
 *
 * @throws VoxtwirlError "shader-compile" naming file and line of a directive that is malformed or not closed
 */
export function parseDirectives(file: string, code: string): Directive[] {
  const lines = code.split(/\r?\n/).map((text, i): Line => {
    const [, name, rest = ""] = /^\s*#(\w+)\s*(.*?)\s*(?:\/\/.*)?$/.exec(text) ?? [];
    return { place: { file, line: i + 1 }, text, name, rest };
  });
  let at = 0;
  const parse = (line: Line): Directive => {
    const { place, text, name, rest } = line;
    switch (name) {
      case undefined:
        return { ...place, kind: "text", text };
      case "import":
        return { ...place, kind: "import", name: rest };
      case "let": {
        const [, variable, value] =
          /^([A-Za-z_]\w*)\s*=\s*(.+)$/.exec(rest) ?? fail(place, "expected '#let NAME = EXPR'");
        return { ...place, kind: "let", name: variable!, value: value! };
      }
      case "for": {
        const [, variable, from, to] =
          /^([A-Za-z_]\w*)\s+in\s+(.+?)\s*\.\.\s*(.+)$/.exec(rest) ?? fail(place, "expected '#for i in A..B'");
        return { ...place, kind: "for", variable: variable!, from: from!, to: to!, body: block(line, ["endfor"]) };
      }
      case "if":
      case "ifdef":
      case "ifndef":
        return { ...place, kind: "if", branches: branches(line) };
      case "elif":
      case "else":
      case "endif":
      case "endfor":
        return fail(place, `#${name} is out of place`);
      default:
        return fail(place, `unknown directive #${name}`);
    }
  };
  /** The lines after `opener`, up to the first of `ends`: there `at` is then. */
  const block = (opener: Line, ends: readonly string[]): Directive[] => {
    const body: Directive[] = [];
    for (at++; at < lines.length; at++) {
      const line = lines[at]!;
      if (line.name !== undefined && ends.includes(line.name)) return body;
      body.push(parse(line));
    }
    return fail(opener.place, `#${opener.name} is never closed`);
  };
  const branches = (opener: Line): Branch[] => {
    const found: Branch[] = [];
    let line = opener;
    do {
      const condition = conditionOf(line);
      const ends = line.name === "else" ? ["endif"] : ["elif", "else", "endif"];
      found.push({ ...line.place, condition, body: block(line, ends) });
      line = lines[at]!;
    } while (line.name !== "endif");
    return found;
  };
  const found: Directive[] = [];
  for (; at < lines.length; at++) found.push(parse(lines[at]!));
  return found;
}

function conditionOf({ place, name, rest }: Line): string {
  if (name === "else") return "1";
  if (name === "if" || name === "elif") return rest;
  if (!/^[A-Za-z_]\w*$/.test(rest)) fail(place, `#${name} takes one name`);
  return name === "ifdef" ? `defined(${rest})` : `!defined(${rest})`;
}
