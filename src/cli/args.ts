import { parseArgs, type ParseArgsConfig } from "node:util";
import { VoxtwirlError } from "../errors.ts";

/** One option of a command. `value` names its argument in the help text; without it the option is a switch. */
export interface OptionSpec {
  readonly help: string;
  readonly value?: string;
  readonly short?: string;
}

/** What a command may be called with. */
export interface ArgsSpec {
  readonly options: Readonly<Record<string, OptionSpec>>;
  /**
   * Names of positional arguments, for the help text and messages; none are accepted by default. "SUITE...": any
   * number.
   */
  readonly positionals?: readonly string[];
}

/** Parsed arguments of a command, read by kind. Readers throw VoxtwirlError "bad-option" on a value they cannot use. */
export class Args {
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];

  constructor(values: Readonly<Record<string, string | boolean | undefined>>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** True when the option was given at all. */
  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    if (typeof value !== "string") return undefined;
    if (value === "") throw badOption(`--${name} is empty.`, `Give it a value, or leave it out.`);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw badOption(`--${name} ${value} is not known.`, `Use one of: ${choices.join(", ")}.`);
    return found;
  }

  /** A finite number within [min, max]; `exclusiveMin` leaves min itself out. */
  number(name: string, range: { min?: number; max?: number; exclusiveMin?: boolean } = {}): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const { min = -Infinity, max = Infinity, exclusiveMin = false } = range;
    const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) ? Number(value) : NaN;
    if (!Number.isFinite(number) || number > max || number < min || (exclusiveMin && number === min)) {
      const wanted = `a number${within(min, max, exclusiveMin)}`;
      throw badOption(`--${name} ${value} is not ${wanted}.`, `Give --${name} such a number.`);
    }
    return number;
  }

  /** A whole number within [min, max], by default any from 1. */
  integer(name: string, range: { min?: number; max?: number } = {}): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const { min = 1, max = Number.MAX_SAFE_INTEGER } = range;
    const number = /^[-+]?\d+$/.test(value) ? Number(value) : NaN;
    if (!Number.isSafeInteger(number) || number < min || number > max) {
      const shown = max === Number.MAX_SAFE_INTEGER ? Infinity : max;
      const wanted = `a whole number${within(min, shown, false)}`;
      throw badOption(`--${name} ${value} is not ${wanted}.`, `Give --${name} such a number.`);
    }
    return number;
  }
}

/**
 * Parses a command's arguments.
 *
 * @throws VoxtwirlError "bad-option" for an unknown option (with the nearest known one), a missing value, or a
 *   positional argument too many
 */
export function readArgs(command: string, spec: ArgsSpec, args: readonly string[]): Args {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { value, short }] of Object.entries(spec.options)) {
    options[name] = { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) };
  }
  const known = Object.keys(spec.options);
  const seeHelp = `See: voxtwirl help ${command}`;
  const { values, positionals, tokens } = parseArgs({
    args: joinNegativeValues(spec, args),
    options,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (!Object.hasOwn(spec.options, token.name)) {
      const near = nearest(token.name, known);
      throw badOption(
        `${command} has no option ${token.rawName}.`,
        near === undefined ? seeHelp : `Did you mean --${near}? ${seeHelp}`,
      );
    }
    const { value } = spec.options[token.name]!;
    // Without strict, parseArgs takes the next option for a value; negative numbers were joined above.
    const isOption = token.inlineValue === false && /^-./.test(token.value);
    if (value !== undefined && (token.value === undefined || isOption)) {
      throw badOption(`${token.rawName} needs a value (${value}).`, seeHelp);
    }
    if (value === undefined && token.value !== undefined) {
      throw badOption(`${token.rawName} takes no value.`, seeHelp);
    }
  }
  const allowed = spec.positionals?.at(-1)?.includes("...") ? Infinity : (spec.positionals?.length ?? 0);
  if (positionals.length > allowed) {
    throw badOption(`${command} does not take the argument ${JSON.stringify(positionals[allowed])}.`, seeHelp);
  }
  return new Args(values, positionals);
}

/** `--lr -1` would read as two options: a number after an option that takes a value belongs to it. */
function joinNegativeValues(spec: ArgsSpec, args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    const takesValue = before?.startsWith("--") && spec.options[before.slice(2)]?.value !== undefined;
    if (takesValue && /^-[\d.]/.test(arg)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/** Columns of the help text. */
const HELP_COLUMNS = 100;

/** The help text's list of options, two columns; long texts go on below their beginning. */
export function optionLines(spec: ArgsSpec): string[] {
  const rows = Object.entries(spec.options).map(([name, { short, value, help }]) => {
    const left = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return [left, help] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.flatMap(([left, help]) =>
    wrapped(help, HELP_COLUMNS - width - 4).map((line, i) => `  ${(i === 0 ? left : "").padEnd(width)}  ${line}`),
  );
}

/** A text in lines of at most so many columns, unless a word is longer. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The known word within two edits of `word`, if any. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((other) => ({ other, edits: editDistance(word, other) })).sort((a, b) => a.edits - b.edits);
  return ranked[0] && ranked[0].edits <= 2 ? ranked[0].other : undefined;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function within(min: number, max: number, exclusiveMin: boolean): string {
  if (min === -Infinity && max === Infinity) return "";
  if (max === Infinity) return exclusiveMin ? ` above ${min}` : ` of at least ${min}`;
  if (min === -Infinity) return ` of at most ${max}`;
  return ` ${exclusiveMin ? "above" : "from"} ${min} ${exclusiveMin ? "and at most" : "to"} ${max}`;
}

function badOption(message: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", message, fix);
}
