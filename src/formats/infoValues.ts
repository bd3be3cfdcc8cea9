/** Values of an extended XYZ file's comment, from text and to text. */
import type { InfoValue } from "../molecules/frame.ts";
import { realNumber } from "./lines.ts";
import type { CommentValue } from "./xyzComment.ts";

const truths: Readonly<Record<string, boolean>> = {
  ...{ T: true, True: true, true: true, TRUE: true },
  ...{ F: false, False: false, false: false, FALSE: false },
};
const json = "_JSON ";
/** Deeper than any array. */
const deepest = 20;

/**
 * What a value stands for: numbers and truth values, one or several with blanks or commas between them, arrays in
 * brackets, JSON behind `_JSON`, as ASE writes it, and texts. Whole numbers beyond 2^53 stay texts, as they would lose
 * digits. A key without a value is true.
 */
export function infoValue(value: CommentValue | undefined): InfoValue {
  if (value === undefined) return true;
  const text = value.form === "quotes" ? value.text : value.text.trim();
  if (value.form === "brackets") return new ArrayText(text).whole() ?? text;
  if (text.startsWith(json)) return parsedJson(text.slice(json.length)) ?? text;
  const words = text.match(/[^\s,]+/g) ?? [];
  if (words.length === 0) return text;
  const found = all(words, numberOf) ?? all(words, (word) => truths[word]) ?? text;
  return Array.isArray(found) && found.length === 1 ? found[0]! : found;
}

function all<T>(words: readonly string[], read: (word: string) => T | undefined): T[] | undefined {
  const found: T[] = [];
  for (const word of words) {
    const value = read(word);
    if (value === undefined) return undefined;
    found.push(value);
  }
  return found;
}

function numberOf(word: string): number | undefined {
  const value = realNumber(word);
  const isVast = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isVast && /^[-+]?\d+$/.test(word) ? undefined : value;
}

function parsedJson(text: string): InfoValue | undefined {
  try {
    return JSON.parse(text) as InfoValue;
  } catch {
    // Python's JSON has NaN and Infinity.
    return new ArrayText(text).whole();
  }
}

/** An array in brackets: [1, 2], [[1 2] [3 4]], [T, F], ["a", b]. */
class ArrayText {
  readonly #text: string;
  readonly #token = /\s*(?:([[\],])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s,[\]"']+))\s*/y;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined where it is none. */
  whole(): InfoValue | undefined {
    const value = this.#take()?.mark === "[" ? this.#items(0) : undefined;
    return this.#token.lastIndex === this.#text.length ? value : undefined;
  }

  #items(depth: number): InfoValue[] | undefined {
    const items: InfoValue[] = [];
    for (let found; depth < deepest && (found = this.#take()) !== undefined;) {
      if (found.mark === "]") return items;
      if (found.mark === ",") continue;
      const item = found.mark === "[" ? this.#items(depth + 1) : found.value;
      if (item === undefined) return undefined;
      items.push(item);
    }
    return undefined;
  }

  #take(): { mark?: string | undefined; value?: InfoValue | undefined } | undefined {
    const found = this.#token.exec(this.#text);
    if (found === null) return undefined;
    const [, mark, double, single, word] = found;
    if (word === undefined) return { mark, value: (double ?? single)?.replace(/\\(.)/gs, "$1") };
    return { value: numberOf(word) ?? truths[word] ?? word };
  }
}

/** The text of a value behind `key=`, which `infoValue` and ASE read as that value, numbers to their last digit. */
export function infoText(value: InfoValue): string {
  if (typeof value === "number") return realText(value);
  if (typeof value === "boolean") return value ? "T" : "F";
  if (typeof value === "string") return textOf(value);
  if (Array.isArray(value) && value.length > 1) {
    const items = value as readonly InfoValue[];
    if (items.every((item) => typeof item === "number")) return `"${items.map(realText).join(" ")}"`;
    if (items.every((item) => typeof item === "boolean")) return `"${items.map(infoText).join(" ")}"`;
  }
  return inQuotes(`${json}${jsonText(value)}`);
}

/** A number as extended XYZ files have it: whole ones that are exact without a point, others as reals. */
export function realText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !text.includes("e") ? `${text}.0` : text;
}

/** A key or a text, in quotes where it needs them. */
export function inQuotes(text: string): string {
  if (/^[^\s"'\\={}[\],]+$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** What would be read as something else than this text is written as JSON, and so are control characters. */
function textOf(text: string): string {
  const same = infoValue({ text, form: "quotes" }) === text && text.trim() !== "" && !/\p{Cc}/u.test(text);
  return inQuotes(same ? text : `${json}${JSON.stringify(text)}`);
}

function jsonText(value: InfoValue): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  if (Array.isArray(value)) return `[${(value as readonly InfoValue[]).map(jsonText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value as Record<string, InfoValue>);
    return `{${entries.map(([key, one]) => `${JSON.stringify(key)}: ${jsonText(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
