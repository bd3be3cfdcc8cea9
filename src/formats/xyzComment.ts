/** How a value stands in a comment: without anything round it, or in quotes, braces or brackets. */
export interface CommentValue {
  /** Without what is round it; of brackets with them. */
  readonly text: string;
  readonly form: "bare" | "quotes" | "braces" | "brackets";
}

const longestKey = 100;
const [DOUBLE, SINGLE, BACKSLASH, EQUALS] = [0x22, 0x27, 0x5c, 0x3d];
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t" };

/**
 * The `key=value` of an extended XYZ file's comment, in their order; the first of equal keys. Blanks beside the equals
 * sign are passed over, and quotes count where a key or a value begins. A word alone is a key without a value.
 */
export function commentValues(comment: string): Map<string, CommentValue | undefined> {
  const values = new Map<string, CommentValue | undefined>();
  const scanner = new Scanner(comment);
  for (let found; (found = scanner.next()) !== undefined;) {
    const { key, value } = found;
    if (key !== "" && key.length <= longestKey && !values.has(key)) values.set(key, value);
  }
  return values;
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Ends that are not there from here on, so that no text is walked through twice. */
  readonly #none = new Set<number>();
  /** Characters that may still be walked through in vain. */
  #vain: number;

  constructor(text: string) {
    this.#text = text;
    this.#vain = 4 * text.length;
  }

  next(): { key: string; value: CommentValue | undefined } | undefined {
    this.#skipBlanks();
    if (this.#at >= this.#text.length) return undefined;
    const quoted = this.#quoted();
    const key = quoted ?? this.#word(isEndOfKey);
    const afterKey = this.#at;
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) !== EQUALS) {
      this.#at = afterKey;
      // Quoted words alone are notes.
      return { key: quoted === undefined ? key : "", value: undefined };
    }
    this.#at++;
    this.#skipBlanks();
    return { key, value: this.#value() };
  }

  #value(): CommentValue {
    const quoted = this.#quoted();
    if (quoted !== undefined) return { text: quoted, form: "quotes" };
    const open = this.#text[this.#at];
    if (open === "{" || open === "[") {
      const end = this.#matching(open === "{" ? "}" : "]");
      if (end !== undefined) {
        const inner = this.#text.slice(this.#at + 1, end);
        this.#at = end + 1;
        return open === "{" ? { text: inner.trim(), form: "braces" } : { text: `[${inner}]`, form: "brackets" };
      }
    }
    return { text: this.#word(isBlank), form: "bare" };
  }

  /** What stands in quotes here, where quotes are closed. */
  #quoted(): string | undefined {
    const quote = this.#text.charCodeAt(this.#at);
    if ((quote !== DOUBLE && quote !== SINGLE) || this.#none.has(quote)) return undefined;
    let escaped = false;
    for (let end = this.#at + 1; end < this.#text.length; end++) {
      const letter = this.#text.charCodeAt(end);
      if (letter === BACKSLASH) {
        escaped = true;
        end++;
      } else if (letter === quote) {
        const inner = this.#text.slice(this.#at + 1, end);
        this.#at = end + 1;
        return escaped ? inner.replace(/\\(.)/gs, (_, one: string) => escapes[one] ?? one) : inner;
      }
    }
    this.#none.add(quote);
    return undefined;
  }

  /** Where what opens here is closed, past quotes and others of its kind. */
  #matching(close: string): number | undefined {
    const open = this.#text[this.#at]!;
    let depth = 0;
    let quote: string | undefined;
    const last = Math.min(this.#text.length, this.#at + this.#vain);
    for (let at = this.#at; at < last; at++) {
      const letter = this.#text[at]!;
      if (quote !== undefined) {
        if (letter === "\\") at++;
        else if (letter === quote) quote = undefined;
      } else if (letter === '"' || letter === "'") quote = letter;
      else if (letter === open) depth++;
      else if (letter === close && --depth === 0) return at;
    }
    this.#vain -= last - this.#at;
    return undefined;
  }

  #word(isEnd: (code: number) => boolean): string {
    const start = this.#at;
    // A sign that is no key is passed over, so that there is an end.
    this.#at++;
    while (this.#at < this.#text.length && !isEnd(this.#text.charCodeAt(this.#at))) this.#at++;
    if (isEnd(this.#text.charCodeAt(start))) {
      this.#at = isEnd === isBlank ? start : start + 1;
      return "";
    }
    return this.#text.slice(start, this.#at);
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && isBlank(this.#text.charCodeAt(this.#at))) this.#at++;
  }
}

/** Whether a character parts the words of a line. */
export function isBlank(code: number): boolean {
  return code <= 32 || (code >= 0xa0 && (code === 0xa0 || code === 0xfeff));
}

function isEndOfKey(code: number): boolean {
  return isBlank(code) || code === EQUALS;
}
