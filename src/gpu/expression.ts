/** What expressions may name: numbers, and what is defined (`true`) or not (`false`) without being one. */
export type Names = Readonly<Record<string, number | boolean>>;

interface Operator {
  /** Operators of a higher one bind more strongly. */
  readonly precedence: number;
  readonly apply: (left: number, right: number) => number;
}

/** NaN is what has no value. */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["||", { precedence: 0, apply: (a, b) => (isTrue(a) === 1 ? 1 : a + isTrue(b)) }],
  ["&&", { precedence: 1, apply: (a, b) => (a === 0 ? 0 : isTrue(a) * isTrue(b)) }],
  ["==", { precedence: 2, apply: (a, b) => truth(a === b, a - b) }],
  ["!=", { precedence: 2, apply: (a, b) => truth(a !== b, a - b) }],
  ["<", { precedence: 3, apply: (a, b) => truth(a < b, a - b) }],
  ["<=", { precedence: 3, apply: (a, b) => truth(a <= b, a - b) }],
  [">", { precedence: 3, apply: (a, b) => truth(a > b, a - b) }],
  [">=", { precedence: 3, apply: (a, b) => truth(a >= b, a - b) }],
  ["+", { precedence: 4, apply: (a, b) => a + b }],
  ["-", { precedence: 4, apply: (a, b) => a - b }],
  ["*", { precedence: 5, apply: (a, b) => a * b }],
  ["/", { precedence: 5, apply: (a, b) => (b === 0 ? NaN : Math.trunc(a / b)) }],
  ["%", { precedence: 5, apply: (a, b) => a % b }],
]);

/** Whether it holds, of something that has a value. */
function truth(holds: boolean, value: number): number {
  return Number.isNaN(value) ? NaN : Number(holds);
}

function isTrue(value: number): number {
  return truth(value !== 0, value);
}

/**
 * The value of an integer expression over decimal integers, named numbers and `defined(NAME)`, with parentheses and
 * C's operators and precedences: || && == != < <= > >= + - * / % and before a value - and !. What is true is 1; `/`
 * rounds towards zero. Where the left side of && or || decides, the right side need not have a value, so that
 * `defined(N) && N > 2` is 0 without N. Undefined when the text is not such an expression or has no value: it names
 * what is no integer, or divides by zero.
 */
export function evaluateInteger(text: string, names: Names): number | undefined {
  const value = new Expression(text, names).value();
  return Number.isSafeInteger(value) ? value : undefined;
}

class Expression {
  readonly #tokens: readonly string[];
  readonly #names: Names;
  #at = 0;
  #wellFormed = true;

  constructor(text: string, names: Names) {
    this.#tokens = text.match(/\d+|[A-Za-z_]\w*|&&|\|\||[=!<>]=|\S/g) ?? [];
    this.#names = names;
  }

  value(): number {
    const value = this.#operation(0);
    return this.#wellFormed && this.#at === this.#tokens.length ? value : NaN;
  }

  #operation(precedence: number): number {
    let left = this.#operand();
    for (;;) {
      const operator = OPERATORS.get(this.#tokens[this.#at] ?? "");
      if (!operator || operator.precedence < precedence) return left;
      this.#at++;
      left = operator.apply(left, this.#operation(operator.precedence + 1));
    }
  }

  #operand(): number {
    const token = this.#tokens[this.#at++] ?? "";
    if (/^\d/.test(token)) return Number(token);
    if (token === "defined") return this.#defined();
    if (/^\w/.test(token)) return this.#valueOf(token);
    if (token === "-") return -this.#operand();
    if (token === "!") return 1 - isTrue(this.#operand());
    if (token !== "(") this.#wellFormed = false;
    if (!this.#wellFormed) return NaN;
    const inner = this.#operation(0);
    this.#expect(")");
    return inner;
  }

  #defined(): number {
    this.#expect("(");
    const name = this.#tokens[this.#at++] ?? "";
    if (!/^[A-Za-z_]/.test(name)) this.#wellFormed = false;
    this.#expect(")");
    return Number(Object.hasOwn(this.#names, name) && this.#names[name] !== false);
  }

  #valueOf(name: string): number {
    const value = Object.hasOwn(this.#names, name) ? this.#names[name] : undefined;
    return Number.isInteger(value) ? Number(value) : NaN;
  }

  #expect(token: string): void {
    if (this.#tokens[this.#at++] !== token) this.#wellFormed = false;
  }
}
